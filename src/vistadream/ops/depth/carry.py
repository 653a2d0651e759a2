"""Depth of a model brought to known depth by a factor that varies smoothly over the picture."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

REACH = 0.04
"""Standard deviation of the window over which the factor is averaged, as a share of the long side."""
LEAST = 1e-3
"""With a smaller share of known pixels in its window, a pixel gets no depth."""


def carried(
    predicted: Float[Tensor, "h w"], known: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]
) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    """The predicted depth times the local factor to `known` where `mask`, and how badly it fits there.

    Both maps must be positive where `mask`. The factor is the mean ratio in a Gaussian window, in logarithms. The
    misfit is the mean relative error at the known pixels of the same window, infinite where there are too few.
    """
    sigma_px = REACH * max(predicted.shape)
    ratio = torch.where(mask, known / predicted, 1.0).log()
    share = _blurred(mask.to(ratio), sigma_px)
    factor = _blurred(ratio, sigma_px) / share.clamp(min=LEAST)
    error = torch.where(mask, (ratio - factor).abs(), 0.0)
    misfit = _blurred(error, sigma_px) / share.clamp(min=LEAST)
    return predicted * factor.exp(), torch.where(share >= LEAST, misfit, torch.inf)


def _blurred(x: Float[Tensor, "h w"], sigma_px: float) -> Float[Tensor, "h w"]:
    """A Gaussian blur; beyond the border of the picture is 0. OpenCV blurs on the CPU, three times for a View."""
    values = x.detach().cpu().numpy().astype(np.float32)
    blurred = cv2.GaussianBlur(values, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)
    return torch.from_numpy(blurred).to(x)
