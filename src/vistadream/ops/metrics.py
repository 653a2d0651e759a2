"""Numbers that say how good a picture or a depth map is."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def psnr(rgb: Float[Tensor, "h w 3"], truth: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the masked pixels, for colours in [0, 1]; inf when they are equal."""
    error = (rgb - truth) ** 2 if mask is None else (rgb[mask] - truth[mask]) ** 2
    mse = float(error.double().mean())
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim_map(rgb: Float[Tensor, "h w 3"], truth: Float[Tensor, "h w 3"]) -> Float[Tensor, "h w"]:
    """Structural similarity of every pixel, mean of RGB (Wang et al. 2004: Gaussian window 11x11, sigma 1.5).

    The window is renormalised at the picture's border.
    """
    x, y = (im.permute(2, 0, 1)[:, None] for im in (rgb, truth))
    taps = torch.exp(-((torch.arange(11, dtype=rgb.dtype) - 5) ** 2) / (2 * 1.5**2))
    taps = taps / taps.sum()

    def blur(im: Tensor) -> Tensor:
        im = torch.nn.functional.conv2d(im, taps.view(1, 1, 11, 1), padding=(5, 0))
        return torch.nn.functional.conv2d(im, taps.view(1, 1, 1, 11), padding=(0, 5))

    inside = blur(torch.ones_like(x[:1]))
    mx, my, xx, yy, xy = (blur(im) / inside for im in (x, y, x * x, y * y, x * y))
    c1, c2 = 0.01**2, 0.03**2
    s = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    s = s / ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2))
    return s[:, 0].mean(0)


def ssim(rgb: Float[Tensor, "h w 3"], truth: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"] | None = None) -> float:
    """Mean of `ssim_map` over the masked pixels."""
    similarity = ssim_map(rgb, truth)
    return float((similarity if mask is None else similarity[mask]).double().mean())


def abs_rel(z: Float[Tensor, "h w"], truth: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> float:
    """Mean of |z - truth| / truth over the masked pixels (Eigen et al. 2014)."""
    return float(((z[mask] - truth[mask]).abs() / truth[mask]).double().mean())


def rmse(z: Float[Tensor, "h w"], truth: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> float:
    """Root of the mean squared difference over the masked pixels, in units of z."""
    return float((z[mask] - truth[mask]).double().square().mean().sqrt())


def delta1(z: Float[Tensor, "h w"], truth: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> float:
    """Share of masked pixels with max(z / truth, truth / z) < 1.25 (Eigen et al. 2014)."""
    ratio = torch.maximum(z[mask] / truth[mask], truth[mask] / z[mask])
    return float((ratio < 1.25).double().mean())
