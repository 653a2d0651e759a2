"""Measures of poses: zero for the truth in any world, and what a known error is worth."""

import math

import pytest
import torch

from vistadream.core import Camera
from vistadream.ops.evaluation.poses import focal_error, rotation_error_deg, trajectory_error
from vistadream.ops.views.similarity import Similarity

UPRIGHT = torch.eye(3)


def turned(axis, degrees):
    """A rotation about one of the axes 0, 1, 2."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    R, (i, j) = torch.eye(3), [k for k in range(3) if k != axis]
    R[i, i], R[i, j], R[j, i], R[j, j] = c, -s, s, c
    return R


def camera(x, y, z, R=UPRIGHT, focal_px=100.0):
    pose = torch.eye(4)
    pose[:3, :3], pose[:3, 3] = R, -R @ torch.tensor([x, y, z], dtype=torch.float32)
    return Camera.from_focal(focal_px, 40, 30).at(pose)


TRUTH = [camera(0, 0, 0), camera(2, 0, 0, turned(1, 10)), camera(0, 2, 0, turned(0, 5)), camera(2, 2, 0)]
MOVE = Similarity(3.0, turned(2, 70) @ turned(0, 20), torch.tensor([5.0, -1.0, 2.0]))


def test_the_truth_in_another_world_and_unit_has_no_error():
    found = [MOVE.camera(camera) for camera in TRUTH]
    assert trajectory_error(found, TRUTH) < 1e-6
    assert rotation_error_deg(found, TRUTH) < 1e-4
    assert focal_error(found, TRUTH) == 0


def test_one_misplaced_center_of_a_square_is_a_known_share_of_its_extent():
    """Out of the plane of a square, a corner is off by h; the best similarity leaves a pattern of h / 4 at each."""
    found = [*TRUTH[:3], camera(2, 2, 0.004)]
    assert trajectory_error(found, TRUTH) == pytest.approx(0.001 / math.sqrt(2), rel=0.01)


def test_a_turn_of_every_camera_about_its_own_axis_is_measured():
    found = [
        c.at(torch.block_diag(turned(0, sign * 4), torch.eye(1)) @ c.cam_from_world)
        for c, sign in zip(TRUTH, (1, -1, 1, -1), strict=True)
    ]
    assert rotation_error_deg(found, TRUTH) == pytest.approx(4, rel=0.05)


def test_the_error_of_the_focal_length_is_relative():
    found = [camera(0, 0, 0, focal_px=110.0), camera(0, 0, 0, focal_px=95.0)]
    assert focal_error(found, TRUTH[:2]) == pytest.approx((0.10 + 0.05) / 2)
