"""Entries of a model from a `core.Camera`, and the pose of an entry."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from vistadream.core import Camera
from vistadream.formats.colmap.model import ColmapCamera, ColmapImage
from vistadream.ops.gaussians.rotation import quats_from_rotations, rotations_from_quats


def camera_of(key: int, camera: Camera) -> ColmapCamera:
    """The intrinsics as a pinhole camera of this id."""
    return ColmapCamera(key, "PINHOLE", camera.width, camera.height, (camera.fx, camera.fy, camera.cx, camera.cy))


def image_of(
    key: int,
    camera: Camera,
    name: str,
    points_px: Float[np.ndarray, "n 2"] | None = None,
    point_ids: Int64[np.ndarray, "n"] | None = None,
) -> ColmapImage:
    """The pose as an image of this id, whose camera has the same id; without 2D points unless they are given."""
    pose = camera.cam_from_world.double().cpu()
    w, x, y, z = quats_from_rotations(pose[None, :3, :3])[0].tolist()
    tx, ty, tz = pose[:3, 3].tolist()
    px = np.zeros((0, 2)) if points_px is None else points_px.astype(np.float64)
    ids = np.zeros(0, dtype=np.int64) if point_ids is None else point_ids
    return ColmapImage(key, (w, x, y, z), (tx, ty, tz), key, name, px, ids)


def pose_of(image: ColmapImage, tolerance: float) -> Float64[Tensor, "4 4"]:
    """cam_from_world; ValueError when the length of the quaternion differs from 1 by more than the tolerance."""
    quat = torch.tensor(image.quat_wxyz, dtype=torch.float64)
    if not abs(float(quat.norm()) - 1) <= tolerance:
        raise ValueError(f"its quaternion has length {float(quat.norm()):.6g}; wanted a unit quaternion QW QX QY QZ")
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = rotations_from_quats(quat[None])[0]
    pose[:3, 3] = torch.tensor(image.translation, dtype=torch.float64)
    return pose
