"""The camera path of nerfstudio, as its viewer exports it: JSON with `camera_path`, OpenGL axes."""

from __future__ import annotations

import math
from typing import Any

import torch

from vistadream.core import UserError
from vistadream.formats.camera_entry import Entry, lens, numbers, pose

OPENCV_FROM_OPENGL = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))
"""In OpenGL a camera has y up and looks along -z. The matrix is its own inverse."""


def path_entry(where: str, item: Any, content: dict) -> Entry:
    """{"camera_to_world": 16 numbers by rows, OpenGL axes; "fov": vertical, in degrees}; the file has the size."""
    if not isinstance(item, dict) or "camera_to_world" not in item:
        raise UserError(f"{where}: no `camera_to_world`; wanted 16 numbers by rows")
    matrix = pose(f"{where}.camera_to_world", item["camera_to_world"])
    pinhole = None
    if content.get("camera_type", "perspective") == "perspective" and "fov" in item:
        size = numbers(f"{where}: render_width and render_height", _render_size(content), 2).tolist()
        fov = float(numbers(f"{where}.fov", item["fov"], 1))
        if not 0 < fov < 180:
            raise UserError(f"{where}.fov: got {fov:g}; wanted 0 to 180 degrees")
        focal = size[1] / 2 / math.tan(math.radians(fov) / 2)
        pinhole = lens(where, (focal, focal), (size[0] / 2, size[1] / 2), size)
    return Entry(where, torch.linalg.inv(matrix @ OPENCV_FROM_OPENGL.double()).float(), pinhole)


def _render_size(content: dict) -> list:
    return [content.get("render_width"), content.get("render_height")]
