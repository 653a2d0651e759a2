"""Ground and curtain on pictures painted by hand and cast by geometry."""

import numpy as np
import pytest

from vistadream.backends.depth.layout.manhattan import rotation
from vistadream.backends.depth.layout.outdoors import (
    MAX_DISTANCE,
    MAX_RATIO,
    cast_outdoors,
    curtain_distance,
    find_ground,
)
from vistadream.backends.depth.layout.prior import pixel_rays

H, W = 120, 160
ROWS, COLUMNS = np.mgrid[:H, :W]
K = np.array([[140.0, 0, 80], [0, 140, 60], [0, 0, 1]])
RAYS = pixel_rays(K, W, H) @ rotation(0.1, 0, 0).T


def test_ground_is_what_the_lower_border_shows_and_all_below_the_horizon_of_its_colour():
    regions = np.where(ROWS < 70, 0, 1)
    regions[(ROWS > 72) & (ROWS < 110) & (COLUMNS > 60)] = 2
    regions[(ROWS > 85) & (ROWS < 98) & (COLUMNS > 80) & (COLUMNS < 140)] = 3
    regions[(ROWS < 20) & (COLUMNS < 30)] = 4
    colors = np.array([[50.0, -20, 20], [40, 0, -40], [70, 20, 50], [41, 1, -38], [40, 0, -40]])
    ground = find_ground(regions, colors, ROWS > 40)
    assert (ground == ((regions == 1) | (regions == 3))).mean() > 0.99


@pytest.mark.parametrize("distance", [3.0, 6.0])
def test_the_curtain_stands_where_the_ground_ends(distance):
    reach = 1 / np.maximum(RAYS[..., 1], 1e-6)
    ground = reach * np.hypot(RAYS[..., 0], RAYS[..., 2]) < distance
    found = curtain_distance(ground, RAYS)
    assert np.allclose(found, distance, rtol=0.12)


def test_the_curtain_is_bounded_and_never_leaps():
    ground = (np.where(COLUMNS < 80, 100, 40) < ROWS) | (ROWS == H - 1)
    found = curtain_distance(ground, RAYS)
    assert found.max() <= MAX_DISTANCE
    assert found.max() / found.min() <= MAX_RATIO * 1.05
    assert np.abs(np.diff(np.log(found))).max() < 0.1
    for bare in (np.zeros((H, W), bool), np.ones((H, W), bool)):
        assert np.isfinite(curtain_distance(bare, RAYS)).all()


def test_rays_end_on_the_ground_or_on_the_curtain():
    reach = cast_outdoors(np.full(W // 4, 5.0), RAYS)
    points = RAYS * reach[..., None]
    across = np.hypot(points[..., 0], points[..., 2])
    on_ground = np.isclose(points[..., 1], 1)
    assert (points[..., 1] <= 1 + 1e-9).all()
    assert (across <= 5 + 1e-6).all()
    assert (on_ground | np.isclose(across, 5)).all()
    assert 0.1 < on_ground.mean() < 0.9
