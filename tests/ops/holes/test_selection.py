"""The rule that chooses poses, and what it says when it chooses none."""

import jaxtyping
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.ops.holes.selection import SelectionRule, select_pose

RULE = SelectionRule(min_hole=0.05, max_hole=0.25, fallback="none")
CLOSEST = SelectionRule(min_hole=0.05, max_hole=0.25, fallback="closest")


def taken(values: list[float], chosen: set[int]) -> list[int]:
    return sorted(i for i in chosen if i < len(values))


ratios = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(ratios, st.sets(st.integers(0, 29), max_size=5))
def test_the_choice_is_free_in_the_band_and_largest(values: list[float], chosen: set[int]) -> None:
    selection = select_pose(values, taken(values, chosen), RULE)
    candidates = [i for i, r in enumerate(values) if 0.05 <= r <= 0.25 and i not in chosen]
    assert (selection.pose is None) == (not candidates)
    assert selection.diagnosis.inside == len(candidates)
    if candidates:
        assert selection.pose in candidates
        assert selection.ratio == max(values[i] for i in candidates)
        assert not selection.diagnosis.advice
    else:
        assert selection.diagnosis.advice


@given(ratios, st.sets(st.integers(0, 29), max_size=5))
def test_every_pose_is_counted_once(values: list[float], chosen: set[int]) -> None:
    d = select_pose(values, taken(values, chosen), RULE).diagnosis
    assert d.below + d.inside + d.above == d.n_free <= d.n_poses == len(values)
    assert d.smallest <= d.mean + 1e-12
    assert d.mean <= d.largest + 1e-12
    assert d.top[0][1] == max(values)


def test_a_chosen_pose_is_not_chosen_again() -> None:
    assert select_pose([0.1, 0.2, 0.15, 0.1], [1], RULE).pose == 2


def test_closest_takes_the_nearest_to_the_band_but_never_an_empty_hole() -> None:
    assert select_pose([0.0, 0.3, 0.9], [], CLOSEST).pose == 1
    assert select_pose([0.0, 0.04, 0.9], [], CLOSEST).pose == 1
    assert select_pose([0.0, 0.0], [], CLOSEST).pose is None


@pytest.mark.parametrize(
    ("values", "chosen", "knob"),
    [
        ([0.01, 0.02], [], "min_hole"),
        ([0.5, 0.6], [], "max_hole"),
        ([0.01, 0.6], [], "fallback"),
        ([0.1, 0.2], [0, 1], "every pose was chosen"),
    ],
)
def test_the_advice_names_the_knob_that_helps(values: list[float], chosen: list[int], knob: str) -> None:
    assert knob in select_pose(values, chosen, RULE).diagnosis.advice


@pytest.mark.parametrize(
    "knobs",
    [
        {"min_hole": 0.3, "max_hole": 0.2, "fallback": "none"},
        {"min_hole": -0.1, "max_hole": 0.2, "fallback": "none"},
        {"min_hole": 0.1, "max_hole": 0.2, "fallback": "best"},
    ],
)
def test_a_senseless_rule_is_refused(knobs: dict) -> None:
    with pytest.raises((ValueError, jaxtyping.TypeCheckError), match=r"wanted|best"):
        SelectionRule(**knobs)
