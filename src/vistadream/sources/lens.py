"""What is known of a photo's lens before the photo is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from vistadream.core import Camera
from vistadream.core.knobs import ABOVE_0, check_ranges, require


@dataclass(frozen=True)
class Lens:
    """The knobs `camera.*`. Pixels are those of the photo as it is on disk."""

    focal_px: float | None
    """Focal length in pixels; None: unknown."""
    principal_px: Sequence[float] | None
    """Principal point (x, y) in pixels; None: the center of the photo."""
    fov_x_deg: float
    """Horizontal field of view to begin with where the focal length is unknown; a depth model may replace it."""

    def __post_init__(self) -> None:
        check_ranges(self, focal_px=ABOVE_0, fov_x_deg=(5, 150))
        point = self.principal_px
        is_point = point is None or (len(point) == 2 and all(map(isfinite, point)))
        require(self, "principal_px", is_point, "[x, y] in pixels, or null")

    def principal_of(self, width: int, height: int) -> tuple[float, float]:
        """The principal point (x, y) in pixels of a photo of that size."""
        x, y = self.principal_px or (width / 2, height / 2)
        return x, y

    def guessed_focal_px(self, width: int, height: int) -> float:
        """The focal length in pixels at which a photo of that size has the field of view `fov_x_deg`."""
        return Camera.from_fov(self.fov_x_deg, width, height).fx
