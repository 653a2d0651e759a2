"""Times of finished jobs: kept, bounded, and the ground of an estimate for jobs that are like them alone."""

import time
from dataclasses import replace

import pytest

from vistadream.service.queue.store import Store
from vistadream.service.watch import timings
from vistadream.service.watch.timings import New, Timing, Timings, alike, seconds_left

WORDS = ("stage=coarse", "max_resolution=256", "seed=3")


@pytest.fixture
def times(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'queue.db'}")
    yield Timings(store.database)
    store.close()


def timing(words=WORDS, waited_s=1.0, **parts):
    return Timing(alike("single_img", words), waited_s, {"start": 1.0, **parts})


def test_jobs_are_alike_whatever_their_seed_prompt_and_order_of_words():
    same = [WORDS, WORDS[::-1], WORDS[:2], (*WORDS, "prompt=a=b")]
    other = [WORDS[1:], (*WORDS, "expansion=0.4"), ("stage=coarse", "max_resolution=512")]
    assert len({alike("single_img", words) for words in same}) == 1
    assert len({alike("single_img", words) for words in (WORDS, *other)}) == 4
    assert alike("multi_img", WORDS) != alike("single_img", WORDS)


def test_the_estimate_is_the_median_of_jobs_that_are_alike(times):
    assert times.expected("single_img", WORDS) == {}
    for seconds in (4.0, 90.0, 6.0):
        times.add(timing(coarse=seconds))
    times.add(timing(("stage=fine",), refine=1000.0))
    assert times.expected("single_img", ("seed=8", *WORDS[:2])) == {"start": 1.0, "coarse": 6.0}
    assert times.expected("multi_img", WORDS) == {}


def test_the_newest_jobs_decide(times):
    for seconds in (*[100.0] * 30, *[2.0] * 20):
        times.add(timing(coarse=seconds))
    assert times.expected("single_img", WORDS)["coarse"] == 2.0


def test_what_is_left_falls_with_time_and_with_each_finished_part():
    expected = {"start": 1.0, "coarse": 10.0, "refine": 20.0}
    now_s = time.time()
    assert seconds_left({}, (), now_s) is None
    assert seconds_left(expected, (), now_s) == pytest.approx(31, abs=0.2)
    assert seconds_left(expected, ("start", "coarse"), now_s - 5) == pytest.approx(15, abs=0.2)
    assert seconds_left(expected, ("start", "coarse"), now_s - 500) == 0
    assert seconds_left(expected, (), now_s + 500) == pytest.approx(31, abs=0.2), "by a clock that was set back"


def test_the_table_keeps_a_number_of_rows(times, monkeypatch):
    monkeypatch.setattr(timings, "_KEPT", 5)
    for number in range(8):
        times.add(timing(waited_s=float(number)))
    assert [each.waited_s for each in times.newest(100)] == [7, 6, 5, 4, 3]
    assert [each.waited_s for each in times.newest(2)] == [7, 6]


def test_each_job_is_new_once(times):
    times.add(timing())
    new = New(times)
    assert new() == []
    times.add(first := timing(coarse=1.0))
    times.add(second := timing(coarse=2.0))
    assert [replace(each, id=None) for each in new()] == [first, second]
    assert new() == []
    assert first.seconds == 2.0
