"""The encoder: overlapping patches of a picture at three sizes become maps of five sizes (Bochkovskii et al. 2024)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vistadream.backends.splats.sharp.plan import Plan
from vistadream.backends.splats.sharp.sizes import Sizes
from vistadream.backends.splats.sharp.vision_transformer import VisionTransformer


class Pyramid(nn.Module):
    """Feature maps with 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's side."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.encoder_px, self.grid = sizes.encoder_px, sizes.grid
        first, *levels = sizes.pyramid
        channels, coarsest = sizes.channels, levels[-1]
        self.patch_encoder = VisionTransformer(sizes, sizes.early)
        self.image_encoder = VisionTransformer(sizes)
        self.upsample_latent0 = _upsample(channels, first, 3, between=levels[0])
        self.upsample_latent1 = _upsample(channels, levels[0], 2)
        self.upsample0 = _upsample(channels, levels[1], 1)
        self.upsample1 = _upsample(channels, levels[2], 1)
        self.upsample2 = _upsample(channels, coarsest, 1)
        self.upsample_lowres = nn.ConvTranspose2d(channels, coarsest, 2, 2)
        self.fuse_lowres = nn.Conv2d(2 * coarsest, coarsest, 1)

    @property
    def transformers(self) -> tuple[VisionTransformer, VisionTransformer]:
        return self.patch_encoder, self.image_encoder

    def encode(self, picture: Float[Tensor, "1 3 h w"], plan: Plan) -> list[Tensor]:
        """The five maps, fine to coarse, of a picture with values from -1 to 1."""
        half, quarter = (F.interpolate(picture, scale_factor=s, mode="bilinear") for s in (0.5, 0.25))
        fine, middle = cut(picture, self.encoder_px, overlap=0.25), cut(half, self.encoder_px, overlap=0.5)
        last, early, later = plan.encode(self.patch_encoder, torch.cat([fine, middle, quarter]))
        (whole,) = plan.encode(self.image_encoder, quarter)
        margin = self.grid // 8
        of_fine, of_middle, of_quarter = last.split([len(fine), len(middle), 1])
        coarse = plan.run(self.upsample2, of_quarter), plan.run(self.upsample_lowres, whole)
        return [
            plan.run(self.upsample_latent0, joined(early[: len(fine)], margin)),
            plan.run(self.upsample_latent1, joined(later[: len(fine)], margin)),
            plan.run(self.upsample0, joined(of_fine, margin)),
            plan.run(self.upsample1, joined(of_middle, 2 * margin)),
            plan.run(self.fuse_lowres, torch.cat(coarse, dim=1)),
        ]


def _upsample(channels: int, out: int, doublings: int, between: int | None = None) -> nn.Sequential:
    """A projection, then one transposed convolution for each doubling of the size."""
    widths = [between or out, *[out] * doublings]
    doubled = [nn.ConvTranspose2d(a, b, 2, 2, bias=False) for a, b in pairwise(widths)]
    return nn.Sequential(nn.Conv2d(channels, widths[0], 1, bias=False), *doubled)


def cut(picture: Float[Tensor, "1 c h w"], side: int, overlap: float) -> Float[Tensor, "n c side side"]:
    """Square patches, row by row, of which neighbors share that part of their side."""
    step = round(side * (1 - overlap))
    rows = picture[0].unfold(1, side, step).unfold(2, side, step)
    return rows.permute(1, 2, 0, 3, 4).flatten(0, 1)


def joined(patches: Float[Tensor, "n c s s"], margin: int) -> Float[Tensor, "1 c h w"]:
    """The map of which these are patches, row by row; `margin` is cut off each of two sides that meet."""
    n = round(len(patches) ** 0.5)
    rows = [
        torch.cat([_trimmed(patches[n * row + i], margin, i, n, dim=2) for i in range(n)], dim=2) for row in range(n)
    ]
    return torch.cat([_trimmed(rows[i], margin, i, n, dim=1) for i in range(n)], dim=1)[None]


def _trimmed(patch: Tensor, margin: int, i: int, n: int, dim: int) -> Tensor:
    """The i-th of n patches along a dimension, without the margins at which it meets others."""
    start, end = margin * (i > 0), patch.shape[dim] - margin * (i < n - 1)
    return patch.narrow(dim, start, end - start)
