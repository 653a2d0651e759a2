"""The pause of coverage in tests of hypothesis (tests/conftest.py): all examples run, and the next test is traced."""

import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SEEN: Counter = Counter()


def is_traced() -> bool:
    coverage = sys.modules.get("coverage")
    return coverage is not None and coverage.Coverage.current() is not None


@pytest.mark.parametrize("most", [3, 30])
@given(number=st.integers())
@settings(max_examples=30)
def test_examples_are_counted(most: int, number: int) -> None:
    SEEN["all", most] += 1
    SEEN["traced", most] += is_traced()


def test_all_examples_ran_and_the_first_ones_were_traced(request: pytest.FixtureRequest) -> None:
    plugin = request.config.pluginmanager.getplugin("_cov")
    measured = plugin is not None and plugin.cov_controller is not None
    assert is_traced() == measured, "after the pause it goes on"
    for most in (3, 30):
        assert SEEN["all", most] == 30
        assert SEEN["traced", most] == (5 if measured else 0)
