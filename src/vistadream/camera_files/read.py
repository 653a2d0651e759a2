"""Which reader a path is for, and the two kinds of JSON."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from vistadream.camera_files.colmap import read_colmap
from vistadream.camera_files.entry import Entry, lens, numbers, pose
from vistadream.core import UserError
from vistadream.formats.json_file import read_json

OPENCV_FROM_OPENGL = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))
"""OpenGL's camera has y up and looks along -z. The matrix is its own inverse."""


def read_cameras(path: Path) -> list[Entry]:
    """The cameras of a file or folder, in order; UserError names the file, the entry and what was wanted."""
    if path.is_dir():
        return read_colmap(path)
    if not path.is_file():
        raise UserError(f"{path}: no such camera file; wanted a JSON file, or a folder with COLMAP's images.txt")
    try:
        content = read_json(path)
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read as JSON ({error}); wanted a list of cameras in JSON") from error
    for key, entry_of in (("cameras", _own), ("camera_path", _nerfstudio)):
        items = content.get(key) if isinstance(content, dict) else None
        if isinstance(items, list):
            return [entry_of(f"{path}: {key}[{i}]", item, content) for i, item in enumerate(items)]
    raise UserError(f"{path}: holds no list of cameras; wanted one under `cameras`, or nerfstudio's `camera_path`")


def _own(where: str, item: Any, content: dict) -> Entry:
    """{"cam_from_world" or "world_from_cam": 4x4 by rows, and maybe "K": 3x3, "width", "height"}, OpenCV axes."""
    keys = {"cam_from_world", "world_from_cam"} & set(item if isinstance(item, dict) else ())
    if len(keys) != 1:
        raise UserError(f"{where}: got {len(keys)} poses; wanted one of `cam_from_world` and `world_from_cam`")
    (key,) = keys
    matrix = pose(f"{where}.{key}", item[key])
    K = numbers(f"{where}.K", item["K"], 9).reshape(3, 3).tolist() if "K" in item else None
    size = [item.get("width"), item.get("height")]
    pinhole = lens(where, (K[0][0], K[1][1]), (K[0][2], K[1][2]), size) if K else None
    return Entry(where, matrix if key == "cam_from_world" else torch.linalg.inv(matrix), pinhole)


def _nerfstudio(where: str, item: Any, content: dict) -> Entry:
    """{"camera_to_world": 16 numbers by rows, OpenGL axes; "fov": vertical, in degrees} at the path's render size."""
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
    return Entry(where, torch.linalg.inv(matrix @ OPENCV_FROM_OPENGL), pinhole)


def _render_size(content: dict) -> list:
    return [content.get("render_width"), content.get("render_height")]
