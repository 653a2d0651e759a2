"""What the fit may be asked to match, as maps over pixels; reducing and weighing is the caller's."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from vistadream.core import Rendering, View
from vistadream.ops.fit.photometric import l1_dssim
from vistadream.ops.numerics.deterministic_sum import mean, total


def disparity_error(
    z: Float[Tensor, "h w"], disparity: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]
) -> Float[Tensor, "h w"]:
    """|1/z - disparity| over the mean disparity; 0 outside the mask and where z or the disparity is not positive.

    The prior's disparity is to be aligned to the scene's; dividing by its mean makes the term free of the unit.
    """
    usable = mask & (z > 0) & (disparity > 0)
    error = (1 / torch.where(usable, z, 1.0) - disparity).abs()
    unit = mean(disparity[usable]) if bool(usable.any()) else 1.0
    return torch.where(usable, error / unit, 0.0)


def normal_error(
    normals: Float[Tensor, "h w 3"],
    prior_normals: Float[Tensor, "h w 3"],
    mask: Bool[Tensor, "h w"],
    signed: bool = True,
) -> Float[Tensor, "h w"]:
    """1 - cosine between unit normals, 0 outside the mask; the cosine's magnitude where the prior's sign is unknown.

    It turns the surface, not the shape of any Gaussian.
    """
    cosine = (normals * prior_normals).sum(-1)
    return torch.where(mask, 1 - (cosine if signed else cosine.abs()), 0.0)


def cycle_error(errors_px: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """Errors of `continuity.cycle_error_px`, each weighed by exp(-error) without gradient; those of 1 px or more are 0.

    Larger ones are occlusions rather than a surface that is a little off (PGSR, Chen et al. 2024).
    """
    return torch.where(errors_px < 1, torch.exp(-errors_px.detach()) * errors_px, 0.0)


def weighted_mean(error: Float[Tensor, "*n"], weight: Shaped[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean of the map under weights of 0 or more, or over a mask; 0 when they are all 0."""
    return total(error * weight) / total(weight.to(error)).clamp_min(1e-9)


def pixel_weights(view: View, generated: float) -> Float[Tensor, "h w"]:
    """1 on supervised photographed pixels, `generated` on supervised invented ones, 0 elsewhere."""
    return view.supervise * torch.where(view.generated, generated, 1.0)


def photometric(view: View, rendering: Rendering, dssim: float, generated: float) -> Float[Tensor, ""]:
    """Weighted mean of (1 - dssim) L1 + dssim D-SSIM over supervised pixels; invented ones weigh `generated`."""
    return l1_dssim(rendering.rgb, view.rgb, pixel_weights(view, generated), dssim)
