"""Words become the first View: the stage that stands in for Load where no picture is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch

from vistadream.core import Camera, Note, Observer, Scene, TextToImage, View
from vistadream.ops.image.pixels import is_lens, snap


@dataclass(frozen=True)
class Imagine:
    """Has a picture made at the working size, so that what is kept of it on disk is all of it."""

    text_to_image: TextToImage
    prompt: str
    max_resolution: int
    """Long side of the picture in pixels, rounded down to a multiple."""
    aspect: float
    """Width over height."""
    multiple: int
    """Sides are multiples of this."""
    focal_px: float | None
    """Focal length in pixels of the picture; None: `fov_x_deg`."""
    principal_px: Sequence[float] | None
    """Principal point (x, y) in pixels of the picture; None: its centre."""
    fov_x_deg: float
    """Horizontal field of view to begin with; a depth model may replace it."""
    seed: int

    def __post_init__(self) -> None:
        focal_px, xy = self.focal_px, self.principal_px
        for knob, good, wanted in (
            ("prompt", bool(self.prompt.strip()), "some words"),
            ("multiple", self.multiple >= 1, "1 or more"),
            ("aspect", 0.25 <= self.aspect <= 4, "0.25 to 4, width over height"),
            ("max_resolution", self.max_resolution >= 4 * self.multiple, f"at least {4 * self.multiple} pixels"),
            ("focal_px", focal_px is None or is_lens(focal_px, self.max_resolution), "a lens of 0.1 to 170 degrees"),
            ("principal_px", xy is None or (len(xy) == 2 and all(map(isfinite, xy))), "[x, y] in pixels"),
            ("fov_x_deg", 5 <= self.fov_x_deg <= 150, "5 to 150 degrees"),
        ):
            if not good:
                raise ValueError(f"Imagine.{knob}: got {getattr(self, knob)!r}; wanted {wanted}")

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        width, height = self._size()
        observe("load/prompt", Note(f"a picture of {width}x{height} pixels from the words: {self.prompt}"))
        rgb = snap(self.text_to_image(self.prompt, width, height, self.seed).float())
        focal_px = self.focal_px or Camera.from_fov(self.fov_x_deg, width, height).fx
        x, y = self.principal_px or (width / 2, height / 2)
        camera = Camera.from_focal(focal_px, width, height, (x, y))
        everywhere = torch.ones(height, width, dtype=torch.bool)
        view = View("input", camera, rgb, None, everywhere, everywhere, ~everywhere, self.focal_px is not None)
        observe("load/input", view)
        return scene.with_views(view)

    def _size(self) -> tuple[int, int]:
        """Width and height in pixels: the long side first, the short one as near to the aspect as its multiple lets."""
        long = self.max_resolution // self.multiple * self.multiple
        wide = max(self.aspect, 1 / self.aspect)
        short = max(1, round(long / wide / self.multiple)) * self.multiple
        return (long, short) if self.aspect >= 1 else (short, long)
