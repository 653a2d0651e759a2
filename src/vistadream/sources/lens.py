"""What is known of a photo's lens before the photo is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import torch

from vistadream.core import Camera, UserError
from vistadream.core.knobs import ABOVE_0, check_ranges, require
from vistadream.ops.image.pixels import focal_px_from_35mm, is_lens


class LensOfPhoto(NamedTuple):
    """What is known of the lens of one photo, in the photo's pixels."""

    camera: Camera
    """At the world's origin, in float64."""
    focal_known: bool
    """False while the focal length is only a guess."""
    found_in: str
    """Where the focal length was found, as a phrase."""


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

    def of_photo(self, width: int, height: int, focal_35mm_mm: float | None) -> LensOfPhoto:
        """The lens of a photo of that size whose EXIF has that focal length; UserError for an impossible `focal_px`."""
        focal_px, found_in = self._known_focal_px(width, height, focal_35mm_mm)
        known = focal_px is not None
        if focal_px is None:
            focal_px = self.guessed_focal_px(width, height)
        cx, cy = self.principal_of(width, height)
        K = torch.tensor([[focal_px, 0.0, cx], [0.0, focal_px, cy], [0.0, 0.0, 1.0]], dtype=torch.float64)
        return LensOfPhoto(Camera(K, torch.eye(4, dtype=torch.float64), width, height), known, found_in)

    def _known_focal_px(self, width: int, height: int, focal_35mm_mm: float | None) -> tuple[float | None, str]:
        """The focal length in pixels of the photo, None where nothing says it, and where it was found."""
        if (focal_px := self.focal_px) is not None:
            if not is_lens(focal_px, max(width, height)):
                raise UserError(
                    f"camera.focal_px: got {focal_px} for a picture of {width}x{height} pixels; wanted a field of view "
                    "of 0.1 to 170 degrees: give the focal length in pixels of the photo as it is on disk"
                )
            return focal_px, "camera.focal_px"
        if (focal_px := focal_px_from_35mm(focal_35mm_mm, width, height)) is not None:
            return focal_px, "the photo's EXIF"
        return None, f"a guess of {self.fov_x_deg:g} degrees"

    def principal_of(self, width: int, height: int) -> tuple[float, float]:
        """The principal point (x, y) in pixels of a photo of that size."""
        x, y = self.principal_px or (width / 2, height / 2)
        return x, y

    def guessed_focal_px(self, width: int, height: int) -> float:
        """The focal length in pixels at which a photo of that size has the field of view `fov_x_deg`."""
        return Camera.from_fov(self.fov_x_deg, width, height).fx
