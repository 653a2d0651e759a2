"""Adds Gaussians only where several views show that an error remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Gaussians, Renderer, View
from vistadream.ops.fit.budget.contribution import contributions
from vistadream.ops.fit.loop import Change
from vistadream.ops.gaussians.rotation import rotations_from_quats

_LEAST_PX = 0.2
"""A view that shows a smaller area of a Gaussian, in pixels, does not count for it."""
_HALF = 0.5
"""The share of a Gaussian's pixels in a view that must be wrong for the Gaussian to count as wrong there."""
_LARGE_PX = 4.0
"""A Gaussian that covers more pixels is split; a smaller one is duplicated."""
_SHRINK = 1.6
"""The scales of the two halves are smaller by this factor (3DGS, Kerbl et al. 2023)."""


def densify(
    gaussians: Gaussians,
    views: Sequence[View],
    renderer: Renderer,
    *,
    min_views: int,
    min_error: float,
    max_share: float,
    seed: int,
) -> Change | None:
    """Splits (if large) or duplicates (if small) the Gaussians that are wrong at `min_views` poses; None without any.

    A Gaussian is wrong at a pose when most of its visible area is on supervised photographed pixels whose color error
    exceeds `min_error` (mean of RGB). At most the share `max_share` of all Gaussians is chosen, those with the most
    wrong pixels. This is the multi-view score of FastGS (Ren et al. 2026, eq. 6 to 8) with two changes: errors are
    weighed by contribution, and they are absolute, because relative to the worst pixel even a perfect picture has
    some. Splitting follows 3DGS: both halves keep the shape.
    """
    wrong, wrong_px, shown_px = _wrong_gaussians(gaussians, views, renderer, min_error)
    agreed = torch.where(wrong >= min_views, wrong_px, 0.0)
    worst = agreed.argsort(descending=True, stable=True)[: int(max_share * len(gaussians))]
    chosen = torch.zeros_like(agreed, dtype=torch.bool).index_fill_(0, worst, True) & (agreed > 0)
    if not bool(chosen.any()):
        return None
    large = chosen & (shown_px > _LARGE_PX)
    halves = [_sampled(gaussians.subset(large), seed + half) for half in range(2)]
    return Change(~large, Gaussians.concat(gaussians.subset(chosen & ~large), *halves))


def _wrong_gaussians(
    gaussians: Gaussians, views: Sequence[View], renderer: Renderer, min_error: float
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"], Float[Tensor, "n"]]:
    """For each Gaussian: at how many poses it is wrong, its wrong pixels in all views, its largest area in a view."""
    wrong_pixels = [_wrong_pixels(view, renderer, gaussians, min_error) for view in views]
    maps = [torch.stack([torch.ones_like(wrong), wrong], -1) for wrong in (w.float() for w in wrong_pixels)]
    shown, wrong = contributions(gaussians, [view.camera for view in views], maps, renderer).unbind(-1)
    is_wrong = (wrong > _HALF * shown) & (shown > _LEAST_PX)
    poses: dict[bytes, Bool[Tensor, "n"]] = {}
    for view, by_view in zip(views, is_wrong, strict=True):  # views at one pose, a photo and its canvas, count once
        pose = view.camera.cam_from_world.cpu().numpy().tobytes()
        poses[pose] = poses.get(pose, torch.zeros_like(by_view)) | by_view
    return torch.stack(list(poses.values())).sum(0).float(), wrong.sum(0), shown.amax(0)


def _wrong_pixels(view: View, renderer: Renderer, gaussians: Gaussians, min_error: float) -> Bool[Tensor, "h w"]:
    """Supervised photographed pixels whose color error exceeds `min_error`."""
    with torch.no_grad():
        rgb = renderer(gaussians, [view.camera], want=("rgb",))[0].require("rgb")
    return view.supervise & ~view.generated & ((rgb - view.rgb).abs().mean(-1) > min_error)


def _sampled(gaussians: Gaussians, seed: int) -> Gaussians:
    """A smaller Gaussian for each, whose center is sampled from it."""
    draw = torch.randn(gaussians.means.shape, generator=torch.Generator().manual_seed(seed)).to(gaussians.means)
    offset = (rotations_from_quats(gaussians.quats_wxyz) @ (gaussians.scales * draw)[..., None])[..., 0]
    return replace(gaussians, means=gaussians.means + offset, scales=gaussians.scales / _SHRINK)
