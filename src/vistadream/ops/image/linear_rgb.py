"""Colors between sRGB and linear light, by IEC 61966-2-1."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_from_srgb(srgb: Tensor) -> Tensor:
    """Linear RGB of sRGB colors from 0 to 1."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp_min(0) + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: Tensor) -> Tensor:
    """sRGB colors from 0 to 1 of linear RGB, which is cut off at 0 and 1."""
    linear = linear.clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
