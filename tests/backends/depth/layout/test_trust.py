"""The layout is trusted where lines along all three axes agree with the room, and smoothly less where they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.depth.layout.lines import Segments
from vistadream.backends.depth.layout.trust import ENOUGH, evidence_of_room, smooth_step, trust_of

DIAGONAL_PX = 500.0


def lines(*lengths_px: float) -> tuple[Segments, np.ndarray]:
    """One segment of each length, the first along axis 0, the next along axis 1 and so on."""
    ends = np.array([[[10.0, 10.0 * i], [10.0 + length, 10.0 * i]] for i, length in enumerate(lengths_px)])
    return Segments(ends.reshape(-1, 2, 2)), np.arange(len(lengths_px)) % 3


@pytest.mark.parametrize("lengths_px", [(), (400.0, 400.0), (400.0, 0.0, 400.0)])
@pytest.mark.parametrize("score", [-0.2, 0.0, 0.03])
def test_without_lines_along_all_three_axes_the_fit_is_the_only_evidence(lengths_px, score):
    assert evidence_of_room(score, *lines(*lengths_px), DIAGONAL_PX) == pytest.approx(score)


def test_segments_that_follow_no_axis_are_no_evidence():
    segments, axes = lines(300.0, 300.0, 300.0)
    assert evidence_of_room(0.0, segments, np.full_like(axes, -1), DIAGONAL_PX) == 0


def test_more_lines_and_a_better_fit_are_more_evidence_up_to_a_length_that_is_enough():
    by_lines = [evidence_of_room(0.0, *lines(n, n, n), DIAGONAL_PX) for n in (0.0, 100.0, 300.0, 500.0)]
    assert by_lines == sorted(set(by_lines))
    assert by_lines[-1] == evidence_of_room(0.0, *lines(900.0, 900.0, 900.0), DIAGONAL_PX)
    by_fit = [evidence_of_room(score, *lines(200.0, 300.0, 400.0), DIAGONAL_PX) for score in (-9.0, -0.01, 0.0, 0.03)]
    assert by_fit == sorted(set(by_fit))


def test_evidence_does_not_depend_on_the_size_of_the_picture():
    one, twice = (evidence_of_room(0.01, *lines(k * 90.0, k * 60.0, k * 70.0), k * DIAGONAL_PX) for k in (1, 2))
    assert one == pytest.approx(twice)


@given(st.floats(-1, 1), st.floats(0, 1e-3))
def test_trust_rises_with_the_evidence_and_never_jumps(evidence, more):
    trust, trust_of_more = trust_of(evidence), trust_of(evidence + more)
    assert 0 <= trust <= trust_of_more <= 1
    assert trust_of_more - trust <= 1.5 * more / ENOUGH + 1e-12, "1.5 is the steepest slope of the step"


def test_trust_is_none_without_evidence_and_full_from_enough_on():
    assert trust_of(-0.01) == trust_of(0.0) == 0
    assert trust_of(ENOUGH) == trust_of(2 * ENOUGH) == 1
    assert 0 < trust_of(0.5 * ENOUGH) < 1


@given(st.floats(-0.5, 1.5))
def test_the_step_is_symmetric_and_its_slope_has_no_jump(x):
    assert smooth_step(x) + smooth_step(1 - x) == pytest.approx(1)
    h = 1e-4
    left, right = (smooth_step(x) - smooth_step(x - h)) / h, (smooth_step(x + h) - smooth_step(x)) / h
    assert abs(right - left) < 7 * h, "6 is the largest curvature of the step"
