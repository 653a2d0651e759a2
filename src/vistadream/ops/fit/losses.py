"""Error maps over pixels; the caller weighs and reduces them to a loss."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from vistadream.core import Rendering, View
from vistadream.ops.fit.photometric import l1_dssim
from vistadream.ops.numerics.deterministic_sum import masked_mean, total


def disparity_error(
    z: Float[Tensor, "h w"], disparity: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]
) -> Float[Tensor, "h w"]:
    """|1/z - disparity| divided by the mean disparity; 0 outside the mask and where z or disparity is not positive.

    The disparity must be aligned to the scene. The division by its mean makes the error independent of the unit.
    """
    usable = mask & (z > 0) & (disparity > 0)
    error = (1 / torch.where(usable, z, 1.0) - disparity).abs()
    return torch.where(usable, error / masked_mean(disparity, usable, otherwise=1.0), 0.0)


def normal_error(
    normals: Float[Tensor, "h w 3"],
    prior_normals: Float[Tensor, "h w 3"],
    mask: Bool[Tensor, "h w"],
    signed: bool = True,
) -> Float[Tensor, "h w"]:
    """1 - cosine between unit normals, 0 outside the mask; the absolute cosine unless the prior's sign is `signed`.

    The normals are those of the rendered surface, so that no Gaussian is forced into another shape.
    """
    cosine = (normals * prior_normals).sum(-1)
    return torch.where(mask, 1 - (cosine if signed else cosine.abs()), 0.0)


def cycle_error(errors_px: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Errors of `continuity.cycle_error_map`, each weighed by exp(-error) without gradient; 0 from 1 px on.

    Larger errors are caused by occlusions rather than by a small error of the surface (PGSR, Chen et al. 2024).
    """
    return torch.where(errors_px < 1, torch.exp(-errors_px.detach()) * errors_px, 0.0)


def weighted_mean(error: Float[Tensor, "*n"], weight: Shaped[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean of the map with weights of 0 or more, or over a mask; 0 when all weights are 0."""
    return total(error * weight) / total(weight.to(error)).clamp_min(1e-9)


def pixel_weights(view: View, generated: float) -> Float[Tensor, "h w"]:
    """1 for supervised photographed pixels, `generated` for supervised generated pixels, 0 elsewhere."""
    return view.supervise * torch.where(view.generated, generated, 1.0)


def photometric(view: View, rendering: Rendering, dssim: float, generated: float) -> Float[Tensor, ""]:
    """Weighted mean of (1 - dssim) L1 + dssim D-SSIM over supervised pixels; generated ones weigh `generated`."""
    return l1_dssim(rendering.require("rgb"), view.rgb, pixel_weights(view, generated), dssim)
