"""The flight through given poses: exact at them, smooth between them, slerp when there are two."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vistadream.ops.camera_path.spline import even_knots, through


def pose(rotation_vector: list[float], position: list[float]) -> Tensor:
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = torch.from_numpy(cv2.Rodrigues(np.array(rotation_vector, dtype=float))[0])
    matrix[:3, 3] = torch.tensor(position)
    return torch.linalg.inv(matrix)


POSES = torch.stack(
    [
        pose([0, 0, 0], [0, 0, 0]),
        pose([0.3, 1.0, 0], [1, 0, 0.5]),
        pose([-0.2, 2.0, 0.4], [1.2, 0.3, 2]),
        pose([0, 2.5, 0], [0, 0, 2.2]),
    ]
)
numbers = st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3)


def speeds(path: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Velocity in the world and angular velocity in the body, per step."""
    world_from_cam = torch.linalg.inv(path).numpy()
    spins = [cv2.Rodrigues(a[:3, :3].T @ b[:3, :3])[0][:, 0] for a, b in pairwise(world_from_cam)]
    return np.diff(world_from_cam[:, :3, 3], axis=0), np.stack(spins)


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=5))
def test_every_pose_is_met_at_its_time(rows) -> None:
    poses = torch.stack([pose(*row) for row in rows])
    path = through(poses, torch.arange(len(poses), dtype=torch.float64), 3 * (len(poses) - 1) + 1)
    torch.testing.assert_close(path[::3], poses, atol=1e-6, rtol=0)


def test_neither_velocity_nor_angular_velocity_jumps() -> None:
    """Steps half as long change half as much from one to the next; a corner would keep its jump."""
    knots = even_knots(POSES, unit=1.0)
    for kind in (0, 1):
        coarse, fine = (
            float(np.linalg.norm(np.diff(speeds(through(POSES, knots, n))[kind] * n, axis=0), axis=1).max())
            for n in (401, 801)
        )
        assert fine < 0.6 * coarse


def test_two_poses_give_a_straight_line_and_slerp() -> None:
    path = through(POSES[[0, 2]], torch.tensor([0.0, 1.0], dtype=torch.float64), 11)
    velocity, spin = speeds(path)
    np.testing.assert_allclose(velocity, np.tile(velocity[:1], (10, 1)), atol=1e-9)
    np.testing.assert_allclose(spin, np.tile(spin[:1], (10, 1)), atol=1e-6)


def test_even_knots_make_an_even_speed() -> None:
    poses = torch.stack([pose([0, 0, 0], [x, 0, 0]) for x in (0, 1, 1.5, 4)])
    velocity, _ = speeds(through(poses, even_knots(poses, unit=2.0), 200))
    assert velocity[:, 0].max() / velocity[:, 0].min() == pytest.approx(1, abs=1e-3)


def test_a_pose_given_twice_does_no_harm() -> None:
    poses = POSES[[0, 1, 1, 2]]
    path = through(poses, even_knots(poses, unit=1.0), 50)
    assert path.isfinite().all()
    torch.testing.assert_close(path[[0, -1]], poses[[0, -1]], atol=1e-6, rtol=0)
