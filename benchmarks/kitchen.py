"""The posed RGB-D kitchen, for the benchmarks: frames, what one sees of another, a forward warp, a run's overrides."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vistadream.core import Camera

SOURCE = "000150"
TARGETS = ("000155", "000165", "000175", "000185", "000195")


@dataclass(frozen=True)
class Frame:
    """A color frame registered to its depth camera."""

    name: str
    rgb: Tensor
    z: Tensor
    """Meters; 0 where the sensor saw nothing."""
    camera: Camera


def data_folder() -> Path:
    """VISTADREAM_TEST_DATA; exits with a sentence where it is not set."""
    folder = os.environ.get("VISTADREAM_TEST_DATA")
    if not folder:
        raise SystemExit("set VISTADREAM_TEST_DATA to the folder that holds kitchen/ and photos/")
    return Path(folder)


def paths(name: str) -> tuple[Path, Path, Path]:
    """Color, depth and pose files of a frame. The poses are those that fit the pictures, not those of the data set."""
    stem = f"{data_folder() / 'kitchen'}/frame-{name}"
    return Path(f"{stem}.color.png"), Path(f"{stem}.depth.png"), Path(f"{stem}.pose_refined.txt")


def frame(name: str, world_from_source: Tensor) -> Frame:
    """A frame whose world is the source frame's camera."""
    color, depth, pose = paths(name)
    K = torch.from_numpy(np.loadtxt(data_folder() / "kitchen" / "camera-intrinsics.txt")).float()
    rgb = torch.from_numpy(cv2.imread(str(color))[..., ::-1].copy()).float() / 255
    z = torch.from_numpy(cv2.imread(str(depth), cv2.IMREAD_UNCHANGED).astype(np.float32)) / 1000
    world_from_cam = torch.from_numpy(np.loadtxt(pose))
    cam_from_source = (torch.linalg.inv(world_from_cam) @ world_from_source).float()
    return Frame(name, rgb, z, Camera(K, cam_from_source, rgb.shape[1], rgb.shape[0]))


def frames() -> tuple[Frame, list[Frame]]:
    """The source frame and the target frames."""
    world_from_source = torch.from_numpy(np.loadtxt(paths(SOURCE)[2]))
    return frame(SOURCE, world_from_source), [frame(name, world_from_source) for name in TARGETS]


def seen_by(source: Frame, target: Frame) -> tuple[Tensor, Tensor, Tensor]:
    """Of each target pixel: is it in the source's picture, its depth from there, and the depth that the source saw."""
    uv, z = source.camera.project(target.camera.unproject(target.z))
    column, row = uv.long().unbind(-1)
    inside = (uv >= 0).all(-1) & (column < source.camera.width) & (row < source.camera.height) & (z > 0)
    seen = source.z[row.clamp(0, source.camera.height - 1), column.clamp(0, source.camera.width - 1)]
    return inside, z, seen


def visible_from(target: Frame, source: Frame, agreement: float = 0.02) -> Tensor:
    """Target pixels whose surface the source saw too: their depths agree to 2 %."""
    inside, z, seen = seen_by(source, target)
    return inside & (target.z > 0) & (seen > 0) & ((z - seen).abs() < agreement * seen)


def unseen_from(target: Frame, source: Frame, agreement: float = 0.05) -> Tensor:
    """Target pixels with a depth whose surface lay outside the source's picture or behind what it saw."""
    inside, z, seen = seen_by(source, target)
    return (target.z > 0) & (~inside | ((seen > 0) & (z > (1 + agreement) * seen)))


def forward_warp(source: Frame, target: Camera) -> tuple[Tensor, Tensor]:
    """The source's pixels moved by their depth: doubled bilinearly, nearest pixel, z-buffered. Picture and coverage."""
    size = (2 * source.camera.width, 2 * source.camera.height)
    rgb = torch.from_numpy(cv2.resize(source.rgb.numpy(), size, interpolation=cv2.INTER_LINEAR))
    z = torch.from_numpy(cv2.resize(source.z.numpy(), size, interpolation=cv2.INTER_LINEAR))
    nearest = torch.from_numpy(cv2.resize(source.z.numpy(), size, interpolation=cv2.INTER_NEAREST))
    z = torch.where((z - nearest).abs() < 0.02 * nearest, z, nearest)
    known = nearest > 0
    uv, depth = target.project(source.camera.resize(*size).unproject(z)[known])
    column, row = uv.floor().long().unbind(-1)
    inside = (depth > 0) & (column >= 0) & (column < target.width) & (row >= 0) & (row < target.height)
    order = torch.argsort(depth[inside], descending=True, stable=True)
    index = (row * target.width + column)[inside][order].numpy()
    picture, covered = (
        np.zeros((target.height * target.width, 3), np.float32),
        np.zeros(target.height * target.width, bool),
    )
    picture[index] = rgb[known][inside][order].numpy()  # the nearest is written last
    covered[index] = True
    shape = (target.height, target.width)
    return torch.from_numpy(picture).reshape(*shape, 3), torch.from_numpy(covered).reshape(shape)


def exposed(picture: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """The picture with the gain of each channel that fits the truth best over the mask, as the exposure changes."""
    seen, there = picture[mask], truth[mask]
    return picture * ((seen * there).sum(0) / seen.square().sum(0).clamp(min=1e-12))


def words(stage: str, max_resolution: int) -> list[str]:
    """Overrides of the run that makes the scene."""
    color, depth, _ = paths(SOURCE)
    return [
        f"image={color}",
        f"stage={stage}",
        f"max_resolution={max_resolution}",
        "camera.focal_px=585",
        "backends/depth=given",
        f"backends.depth.path={depth}",
        "backends.depth.unit_m=0.001",
        "rerun.mode=off",
        "export=[ply,metrics]",
    ]
