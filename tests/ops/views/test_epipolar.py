"""Matches of two cameras: epipolar errors, and the share that one homography explains."""

import math

import pytest
import torch

from vistadream.core import Camera
from vistadream.ops.views.epipolar import epipolar_error_px, homography_share

FIRST = Camera.from_focal(200.0, 320, 240)


def camera_at(x, y, z, turn_deg=0.0):
    c, s = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    pose = torch.tensor([[c, 0.0, -s, 0.0], [0.0, 1.0, 0.0, 0.0], [s, 0.0, c, 0.0], [0.0, 0.0, 0.0, 1.0]])
    pose[:3, 3] = -pose[:3, :3] @ torch.tensor([x, y, z], dtype=torch.float32)
    return FIRST.at(pose)


def some_points(n=80):
    random = torch.rand(n, 3, generator=torch.Generator().manual_seed(1))
    return random * torch.tensor([2.0, 1.5, 3.0]) + torch.tensor([-1.0, -0.75, 3.0])


def test_true_matches_have_no_epipolar_error_and_moved_ones_about_their_distance():
    points, second = some_points(), camera_at(0.6, 0.0, 0.0)
    px1, px2 = FIRST.project(points)[0], second.project(points)[0]
    assert float(epipolar_error_px(px1, px2, FIRST, second).max()) < 1e-3
    down = px2 + torch.tensor([0.0, 5.0])  # across the epipolar lines, which are horizontal here
    error = epipolar_error_px(px1, down, FIRST, second)
    assert torch.allclose(error, torch.full_like(error, 5 / math.sqrt(2)), rtol=1e-3)  # shared by both pictures


def test_the_error_does_not_depend_on_the_world():
    points, second = some_points(), camera_at(0.5, 0.2, 0.3, 8)
    px1, px2 = FIRST.project(points)[0], second.project(points)[0] + torch.randn(80, 2)
    world = camera_at(3.0, -2.0, 1.0, 130).cam_from_world
    moved = [c.at(c.cam_from_world @ world) for c in (FIRST, second)]
    assert torch.allclose(epipolar_error_px(px1, px2, FIRST, second), epipolar_error_px(px1, px2, *moved), atol=1e-2)


@pytest.mark.parametrize(
    ("second", "points", "low", "high"),
    [
        (camera_at(0, 0, 0, 15), some_points(), 1.0, 1.0),  # a turn
        (camera_at(0.8, 0, 0), torch.cat([some_points()[:, :2], torch.full((80, 1), 4.0)], 1), 1.0, 1.0),  # a wall
        (camera_at(0.8, 0, 0), some_points(), 0.05, 0.6),  # a step to the side in a room
    ],
)
def test_one_homography_explains_turns_and_walls_alone(second, points, low, high):
    px1, px2 = FIRST.project(points)[0], second.project(points)[0]
    assert low <= homography_share(px1, px2) <= high
    assert homography_share(px1, px2) == homography_share(px1, px2)


def test_three_matches_say_nothing():
    assert math.isnan(homography_share(torch.rand(3, 2), torch.rand(3, 2)))
