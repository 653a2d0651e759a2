"""One camera of a file, with checks of all its numbers. Errors name the file and the place in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, UserError

_TOLERANCE = 1e-3
"""The largest deviation of a rotation from orthonormality, which allows for rounding in a file."""
_LARGEST = 1e9
_STEEPEST = 1000
"""A focal length is shorter than this many times the longer side of the picture, and longer than the inverse share."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One camera of a file."""

    where: str
    """The file and the place in it, for messages."""
    cam_from_world: Float[Tensor, "4 4"]
    lens: Camera | None
    """Intrinsics and size, at the world's origin; None when the file does not have them or not those of a pinhole."""


def numbers(where: str, values: Any, count: int) -> Float[Tensor, "n"]:
    """`count` numbers (float64) from JSON values, nested or not, or from the words of a line; UserError otherwise.

    Each must be finite and below a billion, so that what is computed from them is finite too.
    """
    flat = _flat(values)
    try:
        found = [float(value) for value in flat]
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: {error}; wanted {count} numbers") from error
    if len(found) != count or not all(abs(value) < _LARGEST for value in found):
        raise UserError(
            f"{where}: got {len(found)} numbers ({_short(found)}); wanted {count} finite ones below a billion"
        )
    return torch.tensor(found, dtype=torch.float64)


def pose(where: str, values: Any) -> Float[Tensor, "4 4"]:
    """A rigid 4x4 matrix (float64) by rows; UserError when it is not rigid."""
    matrix = numbers(where, values, 16).reshape(4, 4)
    R, last = matrix[:3, :3], matrix[3]
    if not torch.allclose(last, torch.tensor([0, 0, 0, 1.0]).double(), atol=1e-6):
        raise UserError(f"{where}: last row is {_short(last.tolist())}; wanted 0 0 0 1: write the matrix by rows")
    if not torch.allclose(R @ R.T, torch.eye(3).double(), atol=_TOLERANCE) or float(torch.linalg.det(R)) < 0:
        raise UserError(f"{where}: its upper left 3x3 is not a rotation; wanted one without scale, shear or mirroring")
    return matrix


def lens(where: str, focal_px: Sequence[float], principal_px: Sequence[float], size_px: Any) -> Camera:
    """A pinhole camera of (fx, fy), (cx, cy) and (width, height), at the world's origin; UserError if impossible."""
    width, height = numbers(f"{where}: width and height", size_px, 2).tolist()
    if min(width, height) < 1 or width % 1 or height % 1:
        raise UserError(f"{where}: its picture is {width:g}x{height:g}; wanted whole pixels, at least 1x1")
    if not all(1 / _STEEPEST < focal / max(width, height) < _STEEPEST for focal in focal_px):
        raise UserError(
            f"{where}: its focal lengths are {_short(focal_px)} pixels for a picture of {width:g}x{height:g}; wanted "
            "positive numbers, about as large as the picture"
        )
    (fx, fy), (cx, cy) = focal_px, numbers(f"{where}: principal point", principal_px, 2).tolist()
    return Camera(torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), torch.eye(4), int(width), int(height))


def _flat(values: Any) -> list:
    """The leaves of nested lists. Recursion is safe, because `read_json` refuses deep nesting."""
    return [leaf for value in values for leaf in _flat(value)] if isinstance(values, (list, tuple)) else [values]


def _short(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values[:4]) + (" ..." if len(values) > 4 else "")
