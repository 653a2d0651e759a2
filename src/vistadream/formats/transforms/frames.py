"""transforms.json of nerfstudio, instant-ngp and Blender's synthetic scenes: pictures with cameras in OpenGL axes.

Intrinsics and units stand at the top of the file or in a frame, whose own win. Paths are relative to the file's folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import UserError
from vistadream.formats.camera_entry import numbers, pose
from vistadream.formats.json_file import read_json
from vistadream.formats.nerfstudio import OPENCV_FROM_OPENGL
from vistadream.formats.posed_frame import Frame, Report, camera_for
from vistadream.formats.transforms.lens import read_lens

Undo = Callable[[Float[Tensor, "4 4"]], Float[Tensor, "4 4"]]
_SUFFIXES = (".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG", ".webp", ".tif", ".tiff")
"""What is tried for a picture that is named without its suffix, as Blender's scenes do."""
_MAPS = ("mask_path", "depth_file_path")
_MILLIMETER = 0.001
_SMALLEST = 1e-9
"""What a scale or a unit has to exceed."""


def read_transforms(file: Path, report: Report) -> list[Frame]:
    """The frames whose picture exists and whose numbers are right, in the order of the file.

    `report` receives what is wrong with each of the others. UserError when the file as a whole cannot be read.
    """
    content = _content(file)
    undo = _undoing(file, content)
    found = []
    for i, item in enumerate(content["frames"]):
        where = f"{file}: frames[{i}]"
        try:
            found.append(_frame(where, item, content, file.parent, undo))
        except UserError as error:
            report(str(error))
    return found


def _content(file: Path) -> dict[str, Any]:
    try:
        content = read_json(file, finite=False)  # a frame that is not finite can be left out
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); wanted a transforms.json") from error
    except ValueError as error:
        raise UserError(f"{file}: cannot be read as JSON ({error}); wanted a transforms.json") from error
    frames = content.get("frames") if isinstance(content, dict) else None
    if not isinstance(frames, list) or not frames:
        raise UserError(f"{file}: has no list `frames`; wanted a transforms.json of nerfstudio or instant-ngp")
    return content


def _undoing(file: Path, content: dict[str, Any]) -> Undo:
    """Takes a pose back to the world in which it was before nerfstudio turned and scaled all poses of the file."""
    rows = content.get("applied_transform")
    turned = _pose(f"{file}: applied_transform", rows) if rows else torch.eye(4, dtype=torch.float64)
    scale = float(numbers(f"{file}: applied_scale", content.get("applied_scale", 1), 1))
    if not scale > _SMALLEST:
        raise UserError(f"{file}: applied_scale is {scale:g}; wanted a positive number")

    def undo(pose: Float[Tensor, "4 4"]) -> Float[Tensor, "4 4"]:
        pose[:3, 3] /= scale
        return torch.linalg.inv(turned) @ pose

    return undo


def _frame(where: str, item: Any, content: dict[str, Any], folder: Path, undo: Undo) -> Frame:
    name = item.get("file_path") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name:
        raise UserError(f"{where} has no `file_path`; wanted an object that names a picture")
    where = f"{where} ({name})"
    picture = _existing(folder, name)
    if picture is None:
        raise UserError(f"{where}: there is no such picture")
    facts = content | item
    world_from_cam = (
        undo(_pose(f"{where}: transform_matrix", item.get("transform_matrix"))) @ OPENCV_FROM_OPENGL.double()
    )
    lens, distortion = read_lens(where, facts, picture)
    camera, upright = camera_for(where, lens.at(torch.linalg.inv(world_from_cam)), picture)
    unit = float(numbers(f"{where}: depth_unit_scale_factor", facts.get("depth_unit_scale_factor", _MILLIMETER), 1))
    if not unit > _SMALLEST:
        raise UserError(f"{where}: depth_unit_scale_factor is {unit:g}; wanted a positive number")
    maps = {key: _existing(folder, facts[key]) for key in _MAPS if isinstance(facts.get(key), str)}
    ignored = tuple(f"{where}: its {key} {facts[key]!r} does not exist and is ignored" for key in maps if not maps[key])
    mask, depth = (maps.get(key) for key in _MAPS)
    return Frame(picture, camera, upright, distortion, mask, depth, unit, ignored)


def _pose(where: str, rows: Any) -> Float[Tensor, "4 4"]:
    """A rigid matrix of 3x4 or 4x4."""
    if isinstance(rows, list) and len(rows) == 3:
        rows = [*rows, [0, 0, 0, 1]]
    return pose(where, rows)


def _existing(folder: Path, name: str) -> Path | None:
    """The file of that name, also where it was written by Windows or without its suffix."""
    for path in (folder / name, folder / name.replace("\\", "/")):
        for suffix in ("", *_SUFFIXES):
            if os.path.isfile(found := f"{path}{suffix}"):
                return Path(found)
    return None
