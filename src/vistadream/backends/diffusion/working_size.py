"""The size at which a model paints a picture, and the conversion to that size and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class WorkingSize:
    """A picture of `height` x `width`, shrunk, and padded on the right and at the bottom to multiples of a number.

    The padding is part of the hole: no pixel moves, and what is painted there is cropped again.
    """

    height: int
    width: int
    inner_height: int
    """Height of the picture after shrinking."""
    inner_width: int
    outer_height: int
    """Height with the padding: the model's input."""
    outer_width: int

    @classmethod
    def of(cls, height: int, width: int, multiple: int, max_px: int) -> WorkingSize:
        """The largest size whose shrunk picture has at most `max_px` squared pixels; never larger than the picture.

        ValueError if `max_px` is less than `multiple` or the picture has no pixels.
        """
        if min(height, width) < 1 or max_px < multiple:
            raise ValueError(
                f"WorkingSize: got {width}x{height} pixels, max_px={max_px}; wanted a picture, and {multiple} or more"
            )
        scale = min(1.0, max_px / math.sqrt(height * width))
        inner = [max(1, round(side * scale)) for side in (height, width)]
        outer = [-(-side // multiple) * multiple for side in inner]
        return cls(height, width, *inner, *outer)

    @property
    def pixels(self) -> int:
        """Number of pixels of the model's input."""
        return self.outer_height * self.outer_width

    @property
    def shrinks(self) -> bool:
        """Whether the model's input is smaller than the picture."""
        return (self.inner_height, self.inner_width) != (self.height, self.width)

    def enter(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"]
    ) -> tuple[Float[Tensor, "1 3 H W"], Float[Tensor, "1 1 H W"]]:
        """The model's input: picture in [0, 1] and mask (1: to be painted); colors in the hole do not matter."""
        known = (~hole).float()[None, None]
        image = torch.where(hole[..., None], 0, rgb).float().permute(2, 0, 1)[None]
        if self.shrinks:
            # Mean over known pixels alone; a shrunk pixel is known only if all of it is.
            share = self._shrink(known)
            image = self._shrink(image) / share.clamp_min(1e-6)
            known = (share > 0.999).float()
        pad = (0, self.outer_width - self.inner_width, 0, self.outer_height - self.inner_height)
        return F.pad(image, pad, mode="replicate"), 1 - F.pad(known, pad)

    def leave(self, painted: Float[Tensor, "1 3 H W"]) -> Float[Tensor, "h w 3"]:
        """The painted picture at the original size."""
        inner = painted[..., : self.inner_height, : self.inner_width].float()
        if self.shrinks:
            size = (self.height, self.width)
            inner = F.interpolate(inner, size, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        return inner[0].permute(1, 2, 0)

    def _shrink(self, maps: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 c H W"]:
        size = (self.inner_height, self.inner_width)
        return F.interpolate(maps, size, mode="bilinear", align_corners=False, antialias=True)
