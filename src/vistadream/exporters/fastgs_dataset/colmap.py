"""COLMAP's text model (https://colmap.github.io/format.html): pinholes, poses and points without tracks.

COLMAP's camera axes, pixel centres and direction of the pose are those of `core.Camera`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians
from vistadream.exporters.fastgs_dataset.layout import CAMERAS, IMAGES, POINTS, Report
from vistadream.formats.ply import SH_C0
from vistadream.ops.gaussians.rotation import quats_from_rotations

_MOST_POINTS = 200_000
"""Points to start other programs from; of more Gaussians every second, third and so on is taken."""
_UNIT = 1e-6
"""By how much a quaternion's length may miss 1."""


class Picture(NamedTuple):
    """One image of images.txt."""

    cam_from_world: Float[Tensor, "4 4"]
    """float64"""
    camera_id: int
    name: str


def cameras_text(cameras: Sequence[Camera]) -> str:
    """cameras.txt: one PINHOLE for each picture, with the same id."""
    lines = [f"{i} PINHOLE {c.width} {c.height} {c.fx} {c.fy} {c.cx} {c.cy}" for i, c in enumerate(cameras, 1)]
    return "\n".join(["# CAMERA_ID MODEL WIDTH HEIGHT FX FY CX CY", *lines, ""])


def images_text(cameras: Sequence[Camera], names: Sequence[str]) -> str:
    """images.txt: two lines for each picture, of which the second, its 2D points, is empty."""
    lines = ["# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line of 2D points, here empty"]
    for i, (camera, name) in enumerate(zip(cameras, names, strict=True), 1):
        pose = camera.cam_from_world.double()
        numbers = [*quats_from_rotations(pose[None, :3, :3])[0].tolist(), *pose[:3, 3].tolist()]
        lines += [f"{i} {' '.join(map(repr, numbers))} {i} {name}", ""]
    return "\n".join([*lines, ""])


def points_text(gaussians: Gaussians) -> str:
    """points3D.txt: centres and colours of at most _MOST_POINTS Gaussians, evenly taken."""
    few = gaussians.detach().to("cpu").subset(torch.arange(0, len(gaussians), -(-len(gaussians) // _MOST_POINTS) or 1))
    colors = few.colors if few.colors.ndim == 2 else 0.5 + SH_C0 * few.colors[:, 0]
    rgb = np.rint(255 * colors.clamp(0, 1).numpy()).astype(int)
    lines = [
        f"{i} {x:.9g} {y:.9g} {z:.9g} {r} {g} {b} 0"
        for i, ((x, y, z), (r, g, b)) in enumerate(zip(few.means.tolist(), rgb.tolist(), strict=True), 1)
    ]
    return "\n".join(["# POINT3D_ID X Y Z R G B ERROR TRACK[], here empty", *lines, ""])


def read_cameras(folder: Path, report: Report) -> dict[int, Camera]:
    """The lenses by id, at the world's origin. This and the two below report each malformed line and pass it over."""
    return dict(_parsed(folder, CAMERAS, _pinhole, report))


def read_pictures(folder: Path, report: Report) -> list[Picture]:
    """The images in the file's order."""
    return [picture for _, picture in _parsed(folder, IMAGES, _picture, report, n_lines=2)]


def count_points(folder: Path, report: Report) -> int:
    """How many points are well-formed."""
    return len(list(_parsed(folder, POINTS, _point, report)))


def _parsed(
    folder: Path, file: str, parse: Callable[..., tuple[int, Any]], report: Report, n_lines: int = 1
) -> Iterator[tuple[int, Any]]:
    """Id and value of every entry, of which `parse` gets the words of each of its `n_lines` lines."""
    text = (folder / file).read_text(errors="replace") if (folder / file).is_file() else ""
    rows = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if not line.startswith("#")]
    if n_lines == 1:
        rows = [(number, words) for number, words in rows if words]
    rows += [(0, [])] * (-len(rows) % n_lines)
    seen = set()
    for first in range(0, len(rows), n_lines):
        try:
            key, value = parse(*(words for _, words in rows[first : first + n_lines]))
            if key in seen:
                raise ValueError(f"id {key} stands here again; wanted each only once")
            seen.add(key)
            yield key, value
        except ValueError as error:
            report(file, f"line {rows[first][0]}: {error}")


def _pinhole(words: list[str]) -> tuple[int, Camera]:
    if len(words) != 8 or words[1] != "PINHOLE":
        raise ValueError(f"got {' '.join(words)[:60]!r}; wanted CAMERA_ID PINHOLE WIDTH HEIGHT FX FY CX CY")
    fx, fy, cx, cy = _finite(words[4:])
    K = torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    return int(words[0]), Camera(K, torch.eye(4), int(words[2]), int(words[3]))


def _picture(words: list[str], points_2d: list[str]) -> tuple[int, Picture]:
    if len(words) != 10 or len(points_2d) % 3:
        raise ValueError(
            f"got {len(words)} words, then {len(points_2d)}; wanted IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then "
            "a line of 2D points, three words each, or an empty one"
        )
    quat, pose = _finite(words[1:5]), torch.eye(4, dtype=torch.float64)
    if abs(math.hypot(*quat) - 1) > _UNIT:
        raise ValueError(f"the quaternion has length {math.hypot(*quat):.6g}; wanted 1")
    pose[:3, :3] = _rotation(*quat)
    pose[:3, 3] = pose.new_tensor(_finite(words[5:8]))
    return int(words[0]), Picture(pose, int(words[8]), words[9])


def _point(words: list[str]) -> tuple[int, None]:
    if len(words) < 8 or len(words) % 2:
        raise ValueError(f"got {len(words)} words; wanted POINT3D_ID X Y Z R G B ERROR TRACK[]")
    _finite(words[1:4])
    if not all(0 <= int(level) <= 255 for level in words[4:7]):
        raise ValueError(f"the colour is {' '.join(words[4:7])}; wanted three levels of 0 to 255")
    return int(words[0]), None


def _finite(words: Sequence[str]) -> list[float]:
    values = [float(word) for word in words]
    if not np.isfinite(values).all():
        raise ValueError(f"got {' '.join(words)}; wanted finite numbers")
    return values


def _rotation(w: float, x: float, y: float, z: float) -> Float[Tensor, "3 3"]:
    """Of a unit quaternion, by Rodrigues' formula I + 2 w [v] + 2 [v]^2."""
    cross = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float64)
    return torch.eye(3, dtype=torch.float64) + 2 * w * cross + 2 * cross @ cross
