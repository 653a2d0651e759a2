"""The relative pose of two photos from matched pixels alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera

_ERROR_PX = 1.0
_TRIED_FOV_DEG = tuple(range(24, 109, 4))
"""Fields of view of the long side that are tried for a pair of unknown focal length."""
_LIKELY_FOV_DEG = 60.0
_NEARLY = 0.98
_LEAST = 8
_SEED = 0


@dataclass(frozen=True, eq=False)
class RelativePose:
    """Where the second camera stood, in a unit in which it is 1 away from the first."""

    cam2_from_cam1: Float[Tensor, "4 4"]
    cameras: tuple[Camera, Camera]
    """The two cameras, with the focal length that was chosen where it was unknown; the first at the identity."""
    in_front: Bool[Tensor, "n"]
    """Matches that fit and lie in front of both cameras."""


def relative_pose(
    px1: Float[Tensor, "n 2"], px2: Float[Tensor, "n 2"], cameras: tuple[Camera, Camera], focal_known: bool
) -> RelativePose | None:
    """The pose of the second camera relative to the first; None when no essential matrix fits.

    Two photos do not fix an unknown focal length. Of the focal lengths that put nearly the most matches in front of
    both cameras, the one nearest to a field of view of 60 degrees is taken, and both cameras get it. OpenCV solves it
    on the CPU.
    """
    if focal_known:
        return _solve(px1, px2, cameras)
    tried = [(fov, _solve(px1, px2, _with_fov(cameras, fov))) for fov in _TRIED_FOV_DEG]
    found = [(abs(fov - _LIKELY_FOV_DEG), pose) for fov, pose in tried if pose is not None]
    if not found:
        return None
    most = max(int(pose.in_front.sum()) for _, pose in found)
    likely = [(far, pose) for far, pose in found if int(pose.in_front.sum()) >= _NEARLY * most]
    return min(likely, key=lambda item: item[0])[1]


def _with_fov(cameras: tuple[Camera, Camera], fov_deg: float) -> tuple[Camera, Camera]:
    first, second = (
        camera.with_focal(max(camera.width, camera.height) / 2 / math.tan(math.radians(fov_deg) / 2))
        for camera in cameras
    )
    return first, second


def _solve(px1: Tensor, px2: Tensor, cameras: tuple[Camera, Camera]) -> RelativePose | None:
    """By the five-point algorithm, with MAGSAC against wrong matches."""
    if len(px1) < _LEAST:
        return None
    focal_px = cameras[0].fx  # MAGSAC is tuned for pixels, so both pictures are brought to those of the first
    K = np.diag([focal_px, focal_px, 1.0])
    rays1, rays2 = (focal_px * _rays(px, camera) for px, camera in zip((px1, px2), cameras, strict=True))
    cv2.setRNGSeed(_SEED)
    E, fits = cv2.findEssentialMat(rays1, rays2, K, cv2.USAC_MAGSAC, 0.9999, _ERROR_PX)
    if E is None or E.shape != (3, 3):
        return None
    _, R, t, in_front = cv2.recoverPose(E, rays1, rays2, K, mask=fits)
    pose = torch.eye(4)
    pose[:3, :3], pose[:3, 3] = torch.from_numpy(R), torch.from_numpy(t[:, 0])
    first, second = (camera.at(at) for camera, at in zip(cameras, (torch.eye(4), pose), strict=True))
    return RelativePose(pose, (first, second), torch.from_numpy(in_front[:, 0] > 0).to(px1.device))


def _rays(px: Tensor, camera: Camera) -> np.ndarray:
    """The points where the rays of pixels meet the plane z = 1 of their camera, "n 2"."""
    center, focal_px = torch.tensor([camera.cx, camera.cy]), torch.tensor([camera.fx, camera.fy])
    return ((px.cpu().double() - center) / focal_px).numpy()
