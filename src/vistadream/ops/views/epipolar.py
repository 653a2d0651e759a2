"""How well matched pixels of two pictures fit the cameras, or a single plane, or a camera that only turned."""

from __future__ import annotations

import cv2
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera

_HOMOGRAPHY_PX = 2.0
_SEED = 0


def essential_of(cam2_from_cam1: Float[Tensor, "4 4"]) -> Float[Tensor, "3 3"]:
    """E with ray2 @ E @ ray1 = 0 for the rays through one point."""
    x, y, z = cam2_from_cam1[:3, 3].tolist()
    cross = cam2_from_cam1.new_tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return cross @ cam2_from_cam1[:3, :3]


def epipolar_error_px(
    px1: Float[Tensor, "n 2"], px2: Float[Tensor, "n 2"], camera1: Camera, camera2: Camera
) -> Float[Tensor, "n"]:
    """How far each match has to move, in pixels, until its rays meet (Sampson's approximation).

    NaN where the cameras are at one place, since any match then fits or none does.
    """
    relative = camera2.cam_from_world.double() @ camera1.world_from_cam.double()
    F = torch.linalg.inv(camera2.K.double()).T @ essential_of(relative) @ torch.linalg.inv(camera1.K.double())
    first, second = _homogeneous(px1), _homogeneous(px2)
    line2, line1 = first @ F.T, second @ F
    gradient = line2[:, :2].square().sum(1) + line1[:, :2].square().sum(1)
    return ((second * line2).sum(1).abs() / gradient.sqrt()).to(px1)


def homography_share(px1: Float[Tensor, "n 2"], px2: Float[Tensor, "n 2"]) -> float:
    """The share of matches that one homography explains within 2 px.

    It is 1 when the camera only turned, and when the pictures show one plane; NaN for fewer than 4 matches.
    """
    if len(px1) < 4:
        return float("nan")
    cv2.setRNGSeed(_SEED)
    first, second = (px.cpu().double() for px in (px1, px2))
    H, _ = cv2.findHomography(first.numpy(), second.numpy(), cv2.RANSAC, _HOMOGRAPHY_PX)
    if H is None:
        return 0.0
    moved = _homogeneous(first) @ torch.from_numpy(H).T
    error = (moved[:, :2] / moved[:, 2:] - second).norm(dim=1)
    return float((error <= _HOMOGRAPHY_PX).double().mean())


def _homogeneous(px: Tensor) -> Tensor:
    return torch.cat([px.cpu().double(), torch.ones(len(px), 1, dtype=torch.float64)], dim=1)
