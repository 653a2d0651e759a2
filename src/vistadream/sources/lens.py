"""What is known of a photo's lens before the photo is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from vistadream.core import Camera
from vistadream.core.knobs import check_ranges


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
        if self.focal_px is not None and not self.focal_px > 0:
            raise ValueError(f"camera.focal_px: got {self.focal_px}; wanted a positive number of pixels")
        if self.principal_px is not None and (len(self.principal_px) != 2 or not all(map(isfinite, self.principal_px))):
            raise ValueError(f"camera.principal_px: got {self.principal_px}; wanted [x, y] in pixels")
        check_ranges(self, fov_x_deg=(5, 150))

    def principal_of(self, width: int, height: int) -> tuple[float, float]:
        """The principal point (x, y) in pixels of a photo of that size."""
        x, y = self.principal_px or (width / 2, height / 2)
        return x, y

    def guessed_focal_px(self, width: int, height: int) -> float:
        """The focal length in pixels at which a photo of that size has the field of view `fov_x_deg`."""
        return Camera.from_fov(self.fov_x_deg, width, height).fx
