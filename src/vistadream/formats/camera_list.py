"""The list of cameras of this project: JSON with `cameras`, OpenCV axes. `views/*.camera.json` of a run are entries."""

from __future__ import annotations

from typing import Any

import torch

from vistadream.core import UserError
from vistadream.formats.camera_entry import Entry, lens, numbers, pose


def list_entry(where: str, item: Any, content: dict) -> Entry:
    """{"cam_from_world" or "world_from_cam": 4x4 by rows, optionally "K": 3x3, "width", "height"}, OpenCV axes."""
    keys = {"cam_from_world", "world_from_cam"} & set(item if isinstance(item, dict) else ())
    if len(keys) != 1:
        raise UserError(f"{where}: got {len(keys)} poses; wanted one of `cam_from_world` and `world_from_cam`")
    (key,) = keys
    matrix = pose(f"{where}.{key}", item[key])
    K = numbers(f"{where}.K", item["K"], 9).reshape(3, 3).tolist() if "K" in item else None
    size = [item.get("width"), item.get("height")]
    pinhole = lens(where, (K[0][0], K[1][1]), (K[0][2], K[1][2]), size) if K else None
    return Entry(where, (matrix if key == "cam_from_world" else torch.linalg.inv(matrix)).float(), pinhole)
