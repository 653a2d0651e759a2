"""The direction of gravity from the attitudes in the copies of a picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.depth.layout.copies import COPIES, Copy
from vistadream.backends.depth.layout.gravity import AGREEING_DEG, FULL_SUPPORT, NO_SUPPORT, direction_down
from vistadream.backends.depth.layout.manhattan import Manhattan, rotation

PITCH, ROLL = 0.3, 0.1
DOWN = rotation(PITCH, ROLL, 0.0)[1]


def seen(copy: Copy, support: float = 1.0, pitch: float = PITCH, yaw: float = 0.4) -> Manhattan:
    """The true attitude as a copy of the picture shows it; a mirror image rolls and turns to the other side."""
    side = -1 if copy.mirrored else 1
    return Manhattan(rotation(pitch, side * ROLL, side * yaw), 1.0, support)


def test_gravity_is_that_of_all_copies_where_they_agree_whatever_their_room_axes_are():
    found = [seen(copy, yaw=0.1 * k) for k, copy in enumerate(COPIES)]
    assert np.allclose(direction_down(found, COPIES), DOWN, atol=1e-6)


@given(st.floats(0, 1), st.floats(0, 1))
def test_it_is_the_more_certain_the_more_lines_support_it(less, more):
    less, more = sorted((less, more))
    small, large = (np.linalg.norm(direction_down([seen(c, s) for c in COPIES], COPIES)) for s in (less, more))
    assert small <= large + 1e-9
    assert large <= 1 + 1e-9
    assert small == pytest.approx(0, abs=1e-9) or less > NO_SUPPORT
    assert large == pytest.approx(1) or more < FULL_SUPPORT


def test_it_is_the_less_certain_the_more_the_copies_disagree():
    tilts = np.radians([0, AGREEING_DEG, 4 * AGREEING_DEG])
    signs = np.where(np.arange(len(COPIES)) % 2, 1, -1)
    found = [
        direction_down(
            [seen(copy, pitch=PITCH + sign * tilt) for copy, sign in zip(COPIES, signs, strict=True)], COPIES
        )
        for tilt in tilts
    ]
    certain = [float(np.linalg.norm(down)) for down in found]
    assert certain[0] == pytest.approx(1)
    assert certain[1] == pytest.approx(0.5, abs=0.01)
    assert certain[2] < 0.1


def test_nothing_is_certain_where_no_line_supports_anything():
    assert np.allclose(direction_down([seen(copy, support=0.0) for copy in COPIES], COPIES), 0)
