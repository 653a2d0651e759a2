"""Entries of a model that say what a `core.Camera` says."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from vistadream.core import Camera
from vistadream.formats.colmap.model import ColmapCamera, ColmapImage
from vistadream.ops.gaussians.rotation import quats_from_rotations


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
