"""COLMAP's cameras for some Views: Views of one size and one focal length share theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from vistadream.core import View


@dataclass(frozen=True)
class Lens:
    """The intrinsics of a camera in pixels, rounded so that equal ones compare as equal."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    known: bool
    """Whether the focal length is known, rather than a guess."""

    @staticmethod
    def of(view: View) -> Lens:
        """The lens of a View; one guess of the focal length for all Views of a size, for which it is unknown."""
        camera = view.camera
        focal_px = (camera.fx, camera.fy) if view.focal_known else (round(camera.fx, 1),) * 2
        center_px = round(camera.cx, 3), round(camera.cy, 3)
        return Lens(camera.width, camera.height, *focal_px, *center_px, view.focal_known)

    def guessed(self, per_long_side: float) -> Lens:
        """The lens with another guess of the focal length, in long sides of the picture; as it is where known."""
        focal_px = per_long_side * max(self.width, self.height)
        return self if self.known else replace(self, fx=focal_px, fy=focal_px * self.fy / self.fx)


def lenses_of(views: Sequence[View]) -> tuple[list[Lens], list[int]]:
    """The different lenses, and for each View the index of its own."""
    each = [Lens.of(view) for view in views]
    lenses = list(dict.fromkeys(each))
    return lenses, [lenses.index(lens) for lens in each]


def plain(lenses: Sequence[Lens]) -> list[dict[str, Any]]:
    """The lenses as data for JSON."""
    return [asdict(lens) for lens in lenses]
