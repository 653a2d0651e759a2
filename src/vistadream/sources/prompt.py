"""`prompt=`: a picture that a model makes from words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vistadream.core import Camera, Note, Observer, TextToImage, View
from vistadream.core.knobs import FROM_1, Range, check_ranges, require
from vistadream.ops.image.pixels import is_lens, snap
from vistadream.sources.lens import Lens
from vistadream.sources.photo_view import photo_view

_LONGEST_NAME = 40
"""Characters of the words that name the run folder."""


@dataclass(frozen=True)
class Prompt:
    """Has the picture made at the working size, so that the run folder holds every pixel of it."""

    text_to_image: TextToImage
    prompt: str
    max_resolution: int
    """Long side of the picture in pixels, rounded down to a multiple."""
    aspect: float
    """Width over height."""
    multiple: int
    """Sides are multiples of this number of pixels."""
    lens: Lens
    seed: int

    def __post_init__(self) -> None:
        require(self, "prompt", self.prompt.strip(), "some words")
        check_ranges(self, multiple=FROM_1, aspect=(0.25, 4))
        check_ranges(self, max_resolution=Range(4 * self.multiple))
        focal_px = self.lens.focal_px
        is_possible = focal_px is None or is_lens(focal_px, self.max_resolution)
        require(self.lens, "focal_px", is_possible, "a field of view of 0.1 to 170 degrees")

    @property
    def name(self) -> str:
        return self.prompt[:_LONGEST_NAME].strip()

    def inputs(self) -> Sequence[Path]:
        return []

    def __call__(self, observe: Observer) -> Sequence[View]:
        width, height = self._size()
        observe("load/prompt", Note(f"a picture of {width}x{height} pixels from the words: {self.prompt}"))
        rgb = snap(self.text_to_image(self.prompt, width, height, self.seed).float())
        focal_px = self.lens.focal_px or self.lens.guessed_focal_px(width, height)
        camera = Camera.from_focal(focal_px, width, height, self.lens.principal_of(width, height))
        return [photo_view(camera, rgb, self.lens.focal_px is not None)]

    def _size(self) -> tuple[int, int]:
        """Width and height in pixels: the long side first, then the short one as close to the aspect as multiples
        allow.
        """
        long = self.max_resolution // self.multiple * self.multiple
        wide = max(self.aspect, 1 / self.aspect)
        short = max(1, round(long / wide / self.multiple)) * self.multiple
        return (long, short) if self.aspect >= 1 else (short, long)
