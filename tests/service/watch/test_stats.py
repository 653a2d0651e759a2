"""Medians and percentiles of times."""

import pytest

from vistadream.service.watch.stats import spread, spread_of_parts
from vistadream.service.watch.timings import Timing


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [([3.0], 3, 3), ([1.0, 2.0], 1, 2), ([5.0, 1.0, 9.0], 5, 9), (range(1, 101), 50, 95), (range(100, 0, -1), 50, 95)],
)
def test_half_of_the_values_are_at_most_the_median_and_95_percent_at_most_the_other(values, p50, p95):
    assert spread(values) == {"p50": p50, "p95": p95}


def test_without_values_there_is_none():
    assert spread([]) is None
    assert spread_of_parts([]) == {}


def test_each_part_has_its_own():
    jobs = [Timing("a", 0.0, {"load": 1.0, "coarse": 9.0}), Timing("a", 0.0, {"load": 3.0})]
    assert spread_of_parts(jobs) == {"load": {"p50": 1.0, "p95": 3.0}, "coarse": {"p50": 9.0, "p95": 9.0}}
