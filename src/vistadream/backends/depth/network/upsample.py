"""Upsamples coarse maps to the picture's size, with edges aligned with those of the picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

REACH, SPREAD_PX, SPREAD_COLOR = 2, 1.0, 0.15
"""Number of neighbors to each side, and standard deviations of the weights in coarse pixels and in color."""


def follow_picture(coarse: Float[Tensor, "c h w"], rgb: Float[Tensor, "H W 3"]) -> Float[Tensor, "c H W"]:
    """Joint bilateral upsampling (Kopf et al. 2007): a weighted mean of coarse neighbors with a similar color."""
    height, width = rgb.shape[:2]
    h, w = coarse.shape[1:]
    guide = rgb.permute(2, 0, 1)[None]
    small = F.interpolate(guide, (h, w), mode="area")
    padded = F.pad(torch.cat([coarse[None], small], 1), [REACH] * 4, mode="replicate")[0]
    v, u = (torch.arange(n, device=rgb.device) for n in (height, width))
    y, x = (v + 0.5) * h / height - 0.5, (u + 0.5) * w / width - 0.5
    row, column = y.round().long(), x.round().long()
    total = rgb.new_zeros(len(coarse), height, width)
    weights = rgb.new_full((height, width), 1e-12)
    for dy in range(-REACH, REACH + 1):
        for dx in range(-REACH, REACH + 1):
            neighbor = padded[:, row + dy + REACH][:, :, column + dx + REACH]
            distance2 = ((row + dy - y) ** 2)[:, None] + ((column + dx - x) ** 2)[None]
            color2 = (neighbor[len(coarse) :] - guide[0]).square().sum(0)
            # The second term keeps the sum of weights above 0 where no neighbor has a similar color.
            similar = torch.exp(-distance2 / (2 * SPREAD_PX**2) - color2 / (2 * SPREAD_COLOR**2))
            weight = similar + 1e-9 * torch.exp(-distance2)
            total += weight * neighbor[: len(coarse)]
            weights += weight
    return total / weights
