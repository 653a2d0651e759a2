"""The room's geometry against ray-plane intersection by hand, and the search kernel against the room's geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.backends.depth.layout.fit import LineField, _axis_hit, fit_room
from vistadream.backends.depth.layout.lines import Segments
from vistadream.backends.depth.layout.manhattan import rotation
from vistadream.backends.depth.layout.prior import pixel_rays
from vistadream.backends.depth.layout.room import SURFACE_AXES, USUAL_ROOM, Room

ROOM = Room((0.8, 1.0, 1.5, 2.0), (0.6, 1.0, 0.75), (0.5, 1.0, 0.4))


@pytest.mark.parametrize(
    ("ray", "reach", "surface"),
    [
        ((0, 1, 0), 1.0, 0),
        ((0, -1, 1), 0.8, 1),
        ((-1, 0, 0), 1.0, 2),
        ((1, 0, 1), 1.5, 3),
        ((0, 0, 1), 2.0, 4),
        ((-1, 0.6, 0), 0.5 / 0.6, 8),
        ((-1, 1.2, 0), 0.6 / 1, 5),
        ((0, 0.22, 1), 0.4 / 0.22, 10),
        ((0, 0.3, 1), 1.5, 7),
    ],
)
def test_rays_meet_the_surface_that_geometry_says(ray, reach, surface):
    found_reach, found_surface = ROOM.cast(np.array(ray, float))
    assert found_reach == pytest.approx(reach)
    assert found_surface == surface


@given(st.floats(-0.6, 0.6), st.floats(-0.3, 0.3), st.floats(-0.7, 0.7))
@settings(max_examples=20, deadline=None)
def test_every_point_hit_lies_in_the_room_and_on_its_surface(pitch, roll, yaw):
    K = np.array([[30.0, 0, 20], [0, 30, 15], [0, 0, 1]])
    rays = pixel_rays(K, 40, 30) @ rotation(pitch, roll, yaw).T
    reach, surface = ROOM.cast(rays)
    points = rays * reach[..., None]
    low, high = np.array([-1.0, -0.8, -np.inf]), np.array([1.5, 1.0, 2.0])
    assert (points >= low - 1e-9).all()
    assert (points <= high + 1e-9).all()
    on_left_top = points[surface == 8]
    assert np.allclose(on_left_top[:, 1], 0.5)
    assert (on_left_top[:, 0] <= -0.6 + 1e-9).all()
    on_far_front = points[surface == 7]
    assert np.allclose(on_far_front[:, 2], 1.5)
    assert (on_far_front[:, 1] >= 0.4 - 1e-9).all()


def test_the_search_sees_the_same_room():
    rays = np.random.default_rng(0).normal([0, 0.3, 1], 1, (500, 3))
    planes = np.array([1.0, *ROOM.walls, *ROOM.fronts, *ROOM.tops])
    seen = [_axis_hit(*ray, planes) for ray in rays]
    assert np.array_equal(seen, SURFACE_AXES[ROOM.cast(rays)[1]])


def test_without_lines_the_room_is_the_usual_one():
    K = np.array([[60.0, 0, 40], [0, 60, 30], [0, 0, 1]])
    none = LineField.of(pixel_rays(K, 80, 60), Segments(np.zeros((0, 2, 2))), np.zeros(0, int))
    assert fit_room(none) == USUAL_ROOM
