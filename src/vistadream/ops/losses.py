"""What the fit may be asked to match, as maps over pixels; reducing and weighing is the caller's."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Rendering, View
from vistadream.ops.photometric import l1_dssim


def disparity_error(
    z: Float[Tensor, "h w"], prior_z: Float[Tensor, "h w"], scale: float, shift: float, mask: Bool[Tensor, "h w"]
) -> Float[Tensor, "h w"]:
    """|1/z - (scale / prior_z + shift)| relative to the mean prior disparity; 0 outside the mask and where z <= 0.

    Scale and shift bring the prior's disparity to the scene's (MiDaS, Ranftl et al. 2020, eq. 3); dividing by the mean
    makes the term free of the scene's unit.
    """
    usable = mask & (z > 0) & (prior_z > 0)
    aligned = scale / torch.where(usable, prior_z, 1.0) + shift
    error = (1 / torch.where(usable, z, 1.0) - aligned).abs()
    mean = aligned[usable].abs().mean() if bool(usable.any()) else 1.0
    return torch.where(usable, error / mean, 0.0)


def normal_error(
    normals: Float[Tensor, "h w 3"], prior_normals: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"]
) -> Float[Tensor, "h w"]:
    """1 - cosine between unit normals, 0 outside the mask. It turns the surface, not the shape of any Gaussian."""
    return torch.where(mask, 1 - (normals * prior_normals).sum(-1), 0.0)


def masked_mean(error: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> Float[Tensor, ""]:
    """Mean of the map over the mask; 0 when it is empty."""
    return (error * mask).sum() / mask.sum().clamp_min(1)


def pixel_weights(view: View, generated: float) -> Float[Tensor, "h w"]:
    """1 on supervised photographed pixels, `generated` on supervised invented ones, 0 elsewhere."""
    return view.supervise * torch.where(view.generated, generated, 1.0)


def photometric(view: View, rendering: Rendering, dssim: float, generated: float) -> Float[Tensor, ""]:
    """Weighted mean of (1 - dssim) L1 + dssim D-SSIM over supervised pixels; invented ones weigh `generated`."""
    return l1_dssim(rendering.rgb, view.rgb, pixel_weights(view, generated), dssim)
