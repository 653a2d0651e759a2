"""Smooth interpolation of poses: cubic Hermite curves for positions and, on SO(3), for rotations."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def even_knots(cam_from_world: Float[Tensor, "k 4 4"], unit: float) -> Float[Tensor, "k"]:
    """Times at which a camera of about constant speed passes each pose; one radian counts as the distance `unit`."""
    poses = torch.linalg.inv(cam_from_world.double())
    moved = (poses[1:, :3, 3] - poses[:-1, :3, 3]).norm(dim=-1) / unit
    turned = [np.linalg.norm(_log(a[:3, :3].T @ b[:3, :3])) for a, b in pairwise(poses)]
    lengths = (moved + torch.tensor(np.array(turned))).clamp(min=1e-6)
    return torch.cat([torch.zeros(1), lengths.cumsum(0)]).to(cam_from_world.dtype)


def through(cam_from_world: Float[Tensor, "k 4 4"], knots: Float[Tensor, "k"], n: int) -> Float[Tensor, "n 4 4"]:
    """n poses of a C1 path that passes pose i at time knots[i] (ascending), at evenly spaced times.

    Velocities at the poses are the central differences of Catmull and Rom (1974); for rotations, those of the body's
    angular velocity. Between two poses R(t) = R_i exp(phi(t)) with a cubic phi. Its speed at the end contains the
    inverse right Jacobian of SO(3) (Chirikjian 2012), which makes the angular velocity continuous. Two poses give a
    straight line and slerp.
    """
    # Steps between poses in the world, and the velocities that the path has at each pose.
    poses = torch.linalg.inv(cam_from_world.double()).numpy()
    u = knots.double().numpy()
    R, p, du = poses[:, :3, :3], poses[:, :3, 3], np.diff(u)
    steps = np.diff(p, axis=0)
    turns = np.stack([_log(a.T @ b) for a, b in pairwise(R)])
    velocity, spin = _velocities(steps, du), _velocities(turns, du)
    # For each output time: find its interval, then evaluate the two cubics at s in [0, 1].
    result = np.tile(np.eye(4), (n, 1, 1))
    for pose, t in zip(result, np.linspace(u[0], u[-1], n), strict=True):
        i = min(max(int(np.searchsorted(u, t, side="right")) - 1, 0), len(du) - 1)
        s = (t - u[i]) / du[i]
        pose[:3, 3] = p[i] + _hermite(s, du[i] * velocity[i], steps[i], du[i] * velocity[i + 1])
        end_spin = _right_jacobian_inverse(turns[i]) @ spin[i + 1]
        pose[:3, :3] = R[i] @ cv2.Rodrigues(_hermite(s, du[i] * spin[i], turns[i], du[i] * end_spin))[0]
    return torch.linalg.inv(torch.from_numpy(result)).to(cam_from_world.dtype)


def _hermite(s: float, start: np.ndarray, step: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The cubic from 0 to `step` with the given derivatives at its ends, at s in [0, 1]."""
    return s * (1 - s) ** 2 * start + s * s * (3 - 2 * s) * step + s * s * (s - 1) * end


def _velocities(steps: np.ndarray, du: np.ndarray) -> np.ndarray:
    """Central differences at inner knots and one-sided differences at the ends: (k-1, 3) -> (k, 3)."""
    inner = (steps[:-1] + steps[1:]) / (du[:-1] + du[1:])[:, None]
    return np.concatenate([steps[:1] / du[0], inner, steps[-1:] / du[-1]])


def _log(R: np.ndarray | Tensor) -> np.ndarray:
    """Rotation vector of a rotation matrix."""
    return cv2.Rodrigues(np.asarray(R, dtype=np.float64))[0][:, 0]


def _right_jacobian_inverse(phi: np.ndarray) -> np.ndarray:
    """The inverse right Jacobian of SO(3) at the rotation vector phi (Chirikjian 2012), with its limit at zero."""
    angle = float(np.linalg.norm(phi))
    x, y, z = phi
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    square = 1 / 12 if angle < 1e-4 else 1 / angle**2 - 1 / (2 * angle * np.tan(angle / 2))
    return np.eye(3) + cross / 2 + square * cross @ cross
