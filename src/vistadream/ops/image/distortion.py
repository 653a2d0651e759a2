"""Lenses that bend straight lines, by the models of OpenCV, and the way back to a pinhole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["radial_tangential", "fisheye"]
"""fisheye: the angle between ray and axis is what grows with the distance from the center of the picture."""


@dataclass(frozen=True)
class Distortion:
    """How a lens bends straight lines, by the models of OpenCV."""

    kind: Kind
    coefficients: tuple[float, ...]
    """In OpenCV's order: k1 k2 p1 p2 k3 k4 k5 k6, or k1 k2 k3 k4 for fisheye; the last ones may be left out."""


def distortion_of(kind: Kind, coefficients: Sequence[float]) -> Distortion | None:
    """The distortion; None for a lens that bends nothing."""
    return Distortion(kind, tuple(coefficients)) if kind == "fisheye" or any(coefficients) else None
