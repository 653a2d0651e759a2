"""Quality metrics of one picture or one depth map."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.ops.fit.photometric import l1_dssim
from vistadream.ops.numerics.precision import widened


def psnr(rgb: Float[Tensor, "h w 3"], truth: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the masked pixels, for colors in [0, 1]; inf when they are equal."""
    error = (rgb - truth) ** 2 if mask is None else (rgb[mask] - truth[mask]) ** 2
    mse = float(widened(error).mean())
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim(rgb: Float[Tensor, "h w 3"], truth: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None) -> float:
    """Structural similarity (Wang et al. 2004), mean of RGB and of the masked pixels; NaN for an empty mask.

    Gaussian window 11x11, sigma 1.5, renormalized at the picture's border, as in `l1_dssim`, which computes it.
    """
    weight = torch.ones_like(rgb[..., 0]) if mask is None else mask.float()
    return 1 - float(l1_dssim(rgb, truth, weight, 1.0)) if bool(weight.any()) else math.nan


def abs_rel(z: Float[Tensor, "h w"], truth: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> float:
    """Mean of |z - truth| / truth over the masked pixels (Eigen et al. 2014)."""
    z, truth = z[mask], truth[mask]
    return float(widened((z - truth).abs() / truth).mean())


def rmse(z: Float[Tensor, "h w"], truth: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> float:
    """Root of the mean squared difference over the masked pixels, in units of z."""
    return float(widened(z[mask] - truth[mask]).square().mean().sqrt())


def delta1(z: Float[Tensor, "h w"], truth: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> float:
    """Share of masked pixels with max(z / truth, truth / z) < 1.25 (Eigen et al. 2014)."""
    z, truth = z[mask], truth[mask]
    return float(widened(torch.maximum(z / truth, truth / z) < 1.25).mean())
