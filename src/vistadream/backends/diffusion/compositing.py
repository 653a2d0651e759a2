"""Merges a painted picture with the photo that it extends, without a seam and without changing a known pixel."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

_BAND = 0.03
"""Standard deviation of the blur of the color error along the seam, as a fraction of the long side."""


def composite(
    painted: Float[Tensor, "h w 3"], rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], feather_px: float = 4.0
) -> Float[Tensor, "h w 3"]:
    """`rgb` where known, bit for bit; in the hole `painted`, corrected to the photo's colors, without a visible step.

    Models repaint the known pixels with a small color error. Its smooth part is extended into the hole by a Poisson
    fill (Perez et al. 2003); the rest of it fades within about `feather_px` of the seam.
    """
    from vistadream.ops.holes.poisson import poisson_fill  # numba: for those that paint

    mask = (~hole).cpu().numpy()
    if mask.all() or not mask.any():
        return torch.where(hole[..., None], painted.to(rgb).clamp(0, 1), rgb)
    error = _numpy(torch.where(hole[..., None], 0, rgb)) - _numpy(painted)
    smooth = _blur(error, mask)
    shift = poisson_fill(smooth, mask) + poisson_fill(error - smooth, mask, decay_px=feather_px)
    matched = (painted + torch.from_numpy(shift).to(painted)).clamp(0, 1)
    return torch.where(hole[..., None], matched.to(rgb), rgb)


def _blur(values: Float[ndarray, "h w c"], known: Bool[ndarray, "h w"]) -> Float[ndarray, "h w c"]:
    """A Gaussian blur over the known pixels alone, at a size at which its standard deviation is about 4 pixels."""
    sigma = _BAND * max(known.shape)
    (h, w), shrink = known.shape, max(1.0, sigma / 4)
    weighted = np.dstack([values * known[..., None], known])
    small = cv2.resize(weighted, (round(w / shrink) or 1, round(h / shrink) or 1), interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / shrink), (w, h), interpolation=cv2.INTER_LINEAR)
    return blurred[..., :-1] / np.maximum(blurred[..., -1:], 1e-6)


def _numpy(x: Tensor) -> ndarray:
    return x.detach().cpu().double().numpy()
