"""Working time is that in which any attempt was under way, and each place has its share."""

from hypothesis import given
from hypothesis import strategies as st

from vistadream.batch.report.places import Places, Span

times = st.floats(0, 1e5)


@given(st.lists(st.tuples(times, times), max_size=6))
def test_working_time_is_at_most_the_sum_and_the_span(pairs):
    spans, found = sorted((min(pair), max(pair)) for pair in pairs), Span()
    for span in spans:
        found.add(*span)
    assert found.seconds <= sum(ended - began for began, ended in spans) + 0.01
    if spans:
        whole = max(e for _, e in spans) - spans[0][0]
        assert max(e - b for b, e in spans) - 0.01 <= found.seconds <= whole + 0.01


def test_an_attempt_under_way_is_counted_and_takes_no_time_yet():
    attempt = {"worker": "cpu0-a", "node": None, "device": None, "began": 1.0, "ended": None, "state": None}
    places = Places([attempt])
    (worker,) = places.workers()
    assert (places.busy_s, places.working_s, worker["attempts"], worker["node"]) == (0, 0, 1, "?")
