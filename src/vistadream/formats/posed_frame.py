"""A picture that a file of cameras names: its files, its pose and its lens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vistadream.core import Camera, UserError
from vistadream.formats.picture_head import is_on_its_side, picture_size
from vistadream.ops.image.distortion import Distortion

Report = Callable[[str], None]
"""Receives one sentence about a picture that is left out."""
_SAME_ASPECT = 0.01
"""The largest relative difference of two aspect ratios that count as the same."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture with its camera."""

    picture: Path
    camera: Camera
    """At the full size of the picture, with its pose in float64."""
    upright: bool
    """Whether `camera` is that of the picture as EXIF turns it, rather than as it is stored."""
    distortion: Distortion | None = None
    mask: Path | None = None
    """A picture of the same size whose black pixels are to be ignored."""
    depth: Path | None = None
    """A depth map of the same size."""
    depth_unit: float = 1.0
    """The stored depths times this are in the unit of the pose."""
    ignored: tuple[str, ...] = ()
    """What the input says about the picture and cannot be used, in sentences."""


def camera_for(where: str, camera: Camera, picture: Path) -> tuple[Camera, bool]:
    """The camera at the size of the picture, and whether that is the picture as EXIF turns it.

    COLMAP and nerfstudio ignore EXIF; programs that do not are recognized by the shape of the picture. UserError when
    the camera is that of a picture of another shape.
    """
    width, height = picture_size(picture)
    if _is_of_shape(camera, width, height):
        return camera.resize(width, height), False
    if _is_of_shape(camera, height, width) and is_on_its_side(picture):
        return camera.resize(height, width), True
    raise UserError(
        f"{where}: the picture has {width}x{height} pixels and its camera {camera.width}x{camera.height}; wanted one "
        "shape: use the pictures that the cameras were computed from, not cropped"
    )


def _is_of_shape(camera: Camera, width: int, height: int) -> bool:
    return abs(width * camera.height / (height * camera.width) - 1) <= _SAME_ASPECT
