"""Intrinsics as transforms.json holds them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from vistadream.core import Camera, UserError
from vistadream.formats.camera_entry import lens, numbers
from vistadream.formats.picture_head import picture_size
from vistadream.ops.image.distortion import Distortion, Kind, distortion_of

_MODELS: dict[str, Kind] = {
    "OPENCV": "radial_tangential",
    "PINHOLE": "radial_tangential",
    "SIMPLE_PINHOLE": "radial_tangential",
    "SIMPLE_RADIAL": "radial_tangential",
    "RADIAL": "radial_tangential",
    "OPENCV_FISHEYE": "fisheye",
}
"""The camera models that can be undistorted; a file that names none means OPENCV."""
_COEFFICIENTS = {"radial_tangential": ("k1", "k2", "p1", "p2", "k3", "k4"), "fisheye": ("k1", "k2", "k3", "k4")}
"""In OpenCV's order."""


def read_lens(where: str, facts: dict[str, Any], picture: Path) -> tuple[Camera, Distortion | None]:
    """The pinhole part of a lens, at the world's origin, and its distortion, from the facts of the file and the frame.

    The size is that of the file, else that of the picture as it is stored. UserError when the lens is not possible or
    its model is unknown.
    """
    kind = _kind(where, facts)
    size = [facts.get("w"), facts.get("h")]
    width, height = picture_size(picture) if None in size else numbers(f"{where}: w and h", size, 2).tolist()
    fx, fy = _focal(where, facts, "x", width), _focal(where, facts, "y", height)
    if not (fx or fy):
        raise UserError(f"{where}: has no focal length; wanted `fl_x` in pixels or `camera_angle_x` in radians")
    center = numbers(f"{where}: cx and cy", [facts.get("cx", width / 2), facts.get("cy", height / 2)], 2).tolist()
    names = _COEFFICIENTS[kind]
    values = numbers(f"{where}: distortion", [facts.get(name, 0) for name in names], len(names)).tolist()
    camera = lens(where, (fx or fy or 0, fy or fx or 0), center, (width, height))
    return camera, distortion_of(kind, values)


def _kind(where: str, facts: dict[str, Any]) -> Kind:
    model = facts.get("camera_model") or ("OPENCV_FISHEYE" if facts.get("is_fisheye") is True else "OPENCV")
    if not isinstance(model, str) or model not in _MODELS:
        raise UserError(f"{where}: its camera_model is {model!r}; wanted one of {', '.join(_MODELS)}")
    return _MODELS[model]


def _focal(where: str, facts: dict[str, Any], axis: str, size_px: float) -> float | None:
    """The focal length in pixels along one axis, if the file has it."""
    if (given := facts.get(f"fl_{axis}")) is not None:
        return float(numbers(f"{where}: fl_{axis}", given, 1))
    if (given := facts.get(f"camera_angle_{axis}")) is None:
        return None
    angle = float(numbers(f"{where}: camera_angle_{axis}", given, 1))
    if not 0 < angle < math.pi:
        raise UserError(f"{where}: camera_angle_{axis} is {angle:g}; wanted radians between 0 and pi")
    return size_px / 2 / math.tan(angle / 2)
