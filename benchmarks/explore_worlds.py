"""Reads the worlds that research/draw_worlds.py drew: a photo each, and what is truly seen from other places."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vistadream.core import Camera

SKY_M = 1e4
"""Distance that stands for infinity."""
_AGREEMENT, _BEHIND = 0.02, 0.05


@dataclass(frozen=True)
class Look:
    """What is truly seen from one place. The world is the camera of the photo."""

    direction: str
    """Such as "left"; "turn" for a camera that turned where the photo was taken."""
    amount: float
    """Distance as a share of the focus distance, or degrees."""
    camera: Camera
    rgb: Tensor
    z: Tensor
    """Meters; SKY_M in the sky."""
    seen: Tensor
    """Pixels whose surface the photo shows too."""
    unseen: Tensor
    """Pixels whose surface lies outside of the photo, or behind what it shows."""


@dataclass(frozen=True)
class World:
    """A photo, its truth, and the looks around it."""

    name: str
    photo: Path
    depth: Path
    camera: Camera
    z: Tensor
    """Of the photo, in meters; SKY_M in the sky."""
    looks: tuple[Look, ...]


def read_worlds(folder: Path) -> Iterator[World]:
    """All worlds of a folder, by name."""
    for file in sorted(folder.glob("*/world.json")):
        yield _read(file.parent, json.loads(file.read_text()))


def _read(folder: Path, facts: dict[str, float]) -> World:
    z = _finite(np.load(folder / "photo_depth.npy"))
    camera = Camera.from_focal(facts["focal_px"], z.shape[1], z.shape[0])
    with np.load(folder / "views.npz") as stored:
        rows = zip(*(stored[name] for name in ("direction", "amount", "cam_from_photo", "rgb", "z_m")), strict=True)
        looks = tuple(_look(camera, z, *row) for row in rows)
    return World(folder.name, folder / "photo.png", folder / "photo_depth.npy", camera, z, looks)


def _look(
    photo: Camera, photo_z: Tensor, direction: str, amount: float, pose: np.ndarray, rgb: np.ndarray, z: np.ndarray
) -> Look:
    camera, true_z = photo.at(torch.from_numpy(pose)), _finite(z)
    pixels, depth = photo.project(camera.unproject(true_z))
    column, row = pixels.floor().long().unbind(-1)
    inside = (depth > 0) & (column >= 0) & (column < photo.width) & (row >= 0) & (row < photo.height)
    there = photo_z[row.clamp(0, photo.height - 1), column.clamp(0, photo.width - 1)]
    seen = inside & ((depth / there - 1).abs() < _AGREEMENT)
    unseen = ~inside | (depth > (1 + _BEHIND) * there)
    return Look(str(direction), float(amount), camera, torch.from_numpy(rgb).float() / 255, true_z, seen, unseen)


def _finite(z: np.ndarray) -> Tensor:
    z = torch.from_numpy(np.asarray(z, np.float32))
    return torch.where(z.isfinite(), z, SKY_M)


def read_photo(world: World) -> Tensor:
    """The colors "h w 3" of the photo in [0, 1]."""
    return torch.from_numpy(np.asarray(Image.open(world.photo)).copy()).float() / 255
