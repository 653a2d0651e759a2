"""Repeated work is what attempts took beyond one unbroken attempt, and its causes add up to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.batch.report.repeated import cause, repeated


def attempt(began: float, ended: float, state: str = "done", unbroken_s: float = 0, signal: int | None = None) -> dict:
    return {"id": "a", "began": began, "ended": ended, "state": state, "signal": signal, "unbroken_s": unbroken_s}


def test_one_attempt_repeats_nothing_however_long_it_took():
    assert repeated([attempt(0, 12, unbroken_s=5)], 12)["seconds"] == 0


def test_what_a_killed_attempt_left_to_the_next_one_is_not_repeated():
    attempts = [attempt(0, 6, "killed", 10, signal=9), attempt(6, 12)]
    assert repeated(attempts, 12) == {
        "seconds": 2.0,
        "share": pytest.approx(2 / 12),
        "causes": [{"cause": "the worker was killed by signal 9", "attempts": 1, "seconds": 2.0}],
    }


def test_the_loser_of_two_that_worked_at_once_did_it_again():
    found = repeated([attempt(0, 30, unbroken_s=10), attempt(20, 30)], 40)
    assert found["seconds"] == 10
    assert found["causes"][0]["cause"] == "somebody else published the item first"


times = st.floats(0, 1e5)


@given(st.lists(st.tuples(times, times, st.sampled_from(["done", "killed", "broken"])), max_size=6), times)
def test_it_is_never_more_than_the_attempts_that_did_not_publish(spans, unbroken_s):
    attempts = [attempt(min(a, b), max(a, b), state, unbroken_s) for a, b, state in spans]
    whole = sum(each["ended"] - each["began"] for each in attempts)
    found = repeated(attempts, whole)
    assert 0 <= found["seconds"] <= whole + 1e-3
    assert found["seconds"] == pytest.approx(sum(each["seconds"] for each in found["causes"]), abs=0.01)


def test_causes_are_words():
    assert cause(attempt(0, 1, "killed")) == "the worker died"
    assert cause(attempt(0, 1, "broken")) == "an error of the program"
