"""How well a rendering matches its View in colors, depth and normals; the refine stage reports it before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import View
from vistadream.ops.depth.align import MIN_PIXELS, align_subsampled
from vistadream.ops.depth.edges import relative_depth_edges
from vistadream.ops.depth.normals import normals_from_depth
from vistadream.ops.evaluation.metrics import abs_rel, delta1, psnr, rmse, ssim


@dataclass(frozen=True)
class ViewMetrics:
    """The metrics of one View; None where there is nothing to compare, and for a perfect PSNR.

    The View's depth is first aligned to the rendered one by a scale and a shift in disparity, as in the fit. The depth
    metrics therefore measure shape, in units of the scene, and do not depend on the unit of the prior.
    """

    psnr_db: float | None = None
    """Over the pixels that the fit must match; so is `ssim`."""
    ssim: float | None = None
    scale: float | None = None
    """Rendered disparity = scale * prior disparity + shift."""
    shift: float | None = None
    valid_pixels: int = 0
    """Number of pixels whose depth is compared: supervised, depth known and rendered, not next to a depth edge."""
    skipped: str | None = None
    """Why depth and normals are not compared, or why they are compared without a shift."""
    depth_abs_rel: float | None = None
    depth_rmse: float | None = None
    delta1: float | None = None
    normal_mean_deg: float | None = None
    normal_median_deg: float | None = None


def view_metrics(view: View, rgb: Float[Tensor, "h w 3"], z: Float[Tensor, "h w"]) -> ViewMetrics:
    """Compares a rendered picture and its camera-space z (0 where nothing is rendered) with their View.

    Normals are compared with the View's normals; if it has none, with those of its aligned depth.
    """
    colors = _colors(view, rgb) if bool(view.supervise.any()) else ViewMetrics()
    if view.z is None:
        return replace(colors, skipped="the view has no depth")
    known = view.z.isfinite() & (view.z > 0)
    compared = view.supervise & known & ~relative_depth_edges(view.z, known) & z.isfinite() & (z > 0)
    n = int(compared.sum())
    if n < MIN_PIXELS:
        return replace(colors, valid_pixels=n, skipped=f"{n} comparable pixels, fewer than {MIN_PIXELS}")
    fit = align_subsampled(1 / view.z[compared], 1 / z[compared], torch.ones(n, device=z.device))
    disparity = fit.apply(1 / torch.where(known, view.z, 1.0))
    in_front = known & (disparity > 0)
    truth = 1 / torch.where(in_front, disparity, 1.0)
    compared = compared & in_front
    if view.normals is None:
        prior = normals_from_depth(view.camera, truth, in_front)
    else:
        prior = view.normals, view.normals.norm(dim=-1) > 0.5
    angles = _angles_deg(prior, view, z, compared)
    return replace(
        colors,
        scale=fit.scale,
        shift=fit.shift,
        valid_pixels=n,
        skipped=fit.reason,
        depth_abs_rel=abs_rel(z, truth, compared),
        depth_rmse=rmse(z, truth, compared),
        delta1=delta1(z, truth, compared),
        normal_mean_deg=float(angles.mean()) if len(angles) else None,
        normal_median_deg=float(angles.median()) if len(angles) else None,
    )


def mean_metrics(metrics: Sequence[ViewMetrics]) -> dict[str, float | None]:
    """The mean of every quality metric over the Views that have it; None where no View has it."""
    means = {}
    for field in fields(ViewMetrics):
        values = [value for m in metrics if (value := getattr(m, field.name)) is not None]
        if field.name not in ("scale", "shift", "valid_pixels", "skipped"):
            means[field.name] = fmean(values) if values else None
    return means


def _colors(view: View, rgb: Float[Tensor, "h w 3"]) -> ViewMetrics:
    ratio = psnr(rgb, view.rgb, view.supervise)
    return ViewMetrics(ratio if math.isfinite(ratio) else None, ssim(rgb, view.rgb, view.supervise))


def _angles_deg(
    prior: tuple[Float[Tensor, "h w 3"], Bool[Tensor, "h w"]],
    view: View,
    z: Float[Tensor, "h w"],
    compared: Bool[Tensor, "h w"],
) -> Float[Tensor, "n"]:
    """Angles of 0 to 90 degrees between the normals of the prior and those of the rendered depth, where both exist."""
    drawn, has_drawn = normals_from_depth(view.camera, z, z > 0)
    use = compared & prior[1] & has_drawn
    a, b = prior[0][use], drawn[use]
    return torch.rad2deg(torch.atan2(torch.linalg.cross(a, b).norm(dim=-1), (a * b).sum(-1).abs()))
