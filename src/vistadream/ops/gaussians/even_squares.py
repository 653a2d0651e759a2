"""Squares of painted pixels that look the same as one larger pixel, so that one Gaussian can stand for four."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, View
from vistadream.ops.image.pixels import lost_detail


@dataclass(frozen=True, eq=False)
class EvenSquares:
    """Squares of two by two pixels in the grid of a picture of half the size."""

    camera: Camera
    """Of the picture of half the size; an odd last row or column of the whole picture is outside of it."""
    chosen: Bool[Tensor, "h2 w2"]
    pixels: Bool[Tensor, "h w"]
    """The pixels of the chosen squares."""

    @staticmethod
    def of(view: View, flat: Bool[Tensor, "h w"], tolerance: float) -> EvenSquares:
        """The squares all of whose pixels are painted, to be lifted and `flat`, and whose colors differ little.

        `tolerance` is the root mean square of what the colors may change, from 0 to 1.
        """
        able = (view.lift & view.generated & flat).float()
        lost = F.avg_pool2d(lost_detail(view.rgb, 2)[None], 2)[0]
        chosen = (F.avg_pool2d(able[None], 2)[0] == 1) & (lost < tolerance**2)
        h, w = chosen.shape
        pixels = torch.zeros_like(view.lift)
        pixels[: 2 * h, : 2 * w] = chosen.repeat_interleave(2, 0).repeat_interleave(2, 1)
        return EvenSquares(view.camera.crop(0, 0, 2 * w, 2 * h).resize(w, h), chosen, pixels)

    def means(
        self, rgb: Float[Tensor, "h w 3"], z: Float[Tensor, "h w"], normals: Float[Tensor, "h w 3"]
    ) -> tuple[Float[Tensor, "h2 w2 3"], Float[Tensor, "h2 w2"], Float[Tensor, "h2 w2 3"]]:
        """Colors, depth and unit normals of the squares; the disparity of a plane has its mean at their centers."""
        disparity = 1 / torch.where(z > 0, z, 1.0)
        rows = torch.cat([rgb, disparity[..., None], normals], -1).permute(2, 0, 1)
        small = F.avg_pool2d(rows[None], 2)[0].permute(1, 2, 0)
        return small[..., :3], 1 / small[..., 3], F.normalize(small[..., 4:], dim=-1)
