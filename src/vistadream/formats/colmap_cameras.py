"""The cameras of a COLMAP model."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, UserError
from vistadream.formats import colmap
from vistadream.formats.camera_entry import Entry, lens
from vistadream.ops.gaussians.rotation import rotations_from_quats

_FOCALS = {"SIMPLE_PINHOLE": 1, "PINHOLE": 2}
"""The models without distortion, and how many focal lengths precede cx and cy."""


def read_colmap(folder: Path) -> list[Entry]:
    """The images sorted by name. A lens is None when it has distortion, or when the folder has no cameras."""
    images = colmap.read_images(folder)
    suffix = colmap.suffix_of(folder)
    file = folder / f"cameras{suffix}"
    cameras = colmap.read_cameras(folder) if os.path.isfile(file) else None
    lenses = {key: _lens(f"{file}: camera {key}", camera) for key, camera in (cameras or {}).items()}
    entries = []
    for image in sorted(images.values(), key=lambda image: image.name):
        where = f"{folder / 'images'}{suffix} ({image.name.encode('utf-8', 'replace').decode()})"
        if cameras is not None and image.camera_id not in cameras:
            raise UserError(f"{where}: its camera {image.camera_id} is not in {file.name}; wanted a whole model")
        entries.append(Entry(where, _pose(where, image), lenses.get(image.camera_id)))
    return entries


def _lens(where: str, camera: colmap.ColmapCamera) -> Camera | None:
    n = _FOCALS.get(camera.model)
    if n is None:
        return None
    focals, (cx, cy) = camera.params[:n], camera.params[n:]
    return lens(where, (focals[0], focals[-1]), (cx, cy), (camera.width, camera.height))


def _pose(where: str, image: colmap.ColmapImage) -> Float[Tensor, "4 4"]:
    quat = torch.tensor(image.quat_wxyz, dtype=torch.float64)
    length = float(quat.norm())
    if not abs(length - 1) < 1e-3:
        raise UserError(f"{where}: its quaternion has length {length:g}; wanted a unit quaternion QW QX QY QZ")
    pose = torch.eye(4)
    pose[:3, :3] = rotations_from_quats(quat[None])[0]
    pose[:3, 3] = torch.tensor(image.translation)
    return pose
