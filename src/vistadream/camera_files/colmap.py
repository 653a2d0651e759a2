"""COLMAP's text model: images.txt and cameras.txt (https://colmap.github.io/format.html)."""

from __future__ import annotations

from pathlib import Path

import cv2
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.camera_files.entry import Entry, lens, numbers
from vistadream.core import Camera, UserError

_PINHOLES = {"SIMPLE_PINHOLE": 3, "PINHOLE": 4}
"""The models without distortion, with how many parameters each has: f or fx fy, then cx cy."""


def read_colmap(folder: Path) -> list[Entry]:
    """The images by name. Two lines each: IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then 2D points, unused here."""
    file = folder / "images.txt"
    lenses = _lenses(folder / "cameras.txt") if (folder / "cameras.txt").is_file() else {}
    lines = [(where, line) for where, line in _lines(file) if not line.startswith("#")]
    while lines and not lines[-1][1].strip():  # the last image may have no points, and a file ends in any blank lines
        lines.pop()
    named = []
    for where, line in lines[::2]:
        words = line.split(maxsplit=9)
        if len(words) < 10:
            raise UserError(f"{where}: got {len(words)} words; wanted IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME")
        pose = torch.eye(4)
        pose[:3, :3] = _rotation(where, numbers(f"{where}: quaternion", words[1:5], 4))
        pose[:3, 3] = numbers(f"{where}: translation", words[5:8], 3)
        named.append((words[9], Entry(f"{where} ({words[9]})", pose, lenses.get(words[8]))))
    return [entry for _, entry in sorted(named, key=lambda pair: pair[0])]


def _lenses(file: Path) -> dict[str, Camera]:
    """CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]: those without distortion, by id."""
    found = {}
    for where, line in _lines(file):
        words = line.split()
        if not words or words[0].startswith("#") or len(words) < 4 or words[1] not in _PINHOLES:
            continue
        values = numbers(where, words[4:], _PINHOLES[words[1]]).tolist()
        found[words[0]] = lens(where, (values[0], values[-3]), values[-2:], words[2:4])
    return found


def _lines(file: Path) -> list[tuple[str, str]]:
    """Every line with its file and number; UserError when there is no such text file."""
    try:
        return [(f"{file}:{i}", line) for i, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{file}: cannot be read ({error}); wanted COLMAP's text model: `colmap model_converter --output_type TXT`"
        ) from error


def _rotation(where: str, quat_wxyz: Float[Tensor, "4"]) -> Float[Tensor, "3 3"]:
    length = float(quat_wxyz.norm())
    if not abs(length - 1) < 1e-3:
        raise UserError(f"{where}: its quaternion has length {length:g}; wanted a unit quaternion QW QX QY QZ")
    axis = quat_wxyz[1:]
    angle = 2 * torch.atan2(axis.norm(), quat_wxyz[0])
    vector = torch.nn.functional.normalize(axis, dim=0) * angle
    return torch.from_numpy(cv2.Rodrigues(vector.numpy())[0])
