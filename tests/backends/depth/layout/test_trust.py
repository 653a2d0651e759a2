"""The layout's error is expected to be small where lines along all three axes agree with the room."""

import numpy as np
import pytest

from vistadream.backends.depth.layout.lines import Segments
from vistadream.backends.depth.layout.trust import MOST, UNKNOWN, error_of_room

DIAGONAL_PX = 500.0


def lines(*lengths_px: float) -> tuple[Segments, np.ndarray]:
    """One segment of each length, the first along axis 0, the next along axis 1 and so on."""
    ends = np.array([[[10.0, 10.0 * i], [10.0 + length, 10.0 * i]] for i, length in enumerate(lengths_px)])
    return Segments(ends.reshape(-1, 2, 2)), np.arange(len(lengths_px)) % 3


@pytest.mark.parametrize("lengths_px", [(), (400.0, 400.0), (400.0, 0.0, 400.0)])
def test_without_lines_along_all_three_axes_there_is_no_evidence_but_the_fit(lengths_px):
    assert error_of_room(0.0, *lines(*lengths_px), DIAGONAL_PX) == pytest.approx(UNKNOWN)


def test_more_lines_and_a_better_fit_mean_a_smaller_error_within_bounds():
    by_lines = [error_of_room(0.0, *lines(n, n, n), DIAGONAL_PX) for n in (0.0, 100.0, 300.0, 500.0)]
    assert by_lines == sorted(set(by_lines), reverse=True)
    assert by_lines[-1] == error_of_room(0.0, *lines(900.0, 900.0, 900.0), DIAGONAL_PX), "enough is enough"
    by_fit = [error_of_room(score, *lines(), DIAGONAL_PX) for score in (-9.0, -0.01, 0.0, 0.03)]
    assert by_fit[0] == MOST
    assert by_fit == sorted(set(by_fit), reverse=True)
