"""More Gaussians only where several views agree that an error remains."""

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
"""A view that shows less of a Gaussian than this area in pixels has no say about it."""
_HALF = 0.5
"""Share of a Gaussian's pixels that must be wrong for a view to object to it."""
_LARGE_PX = 4.0
"""A Gaussian that fills more pixels is split, a smaller one doubled."""
_SHRINK = 1.6
"""Scales of the halves of a split one are smaller by this factor (3DGS, Kerbl et al. 2023)."""


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
    """Splits, or doubles where small, the Gaussians that `min_views` poses find wrong; None where there are none.

    A pose finds a Gaussian wrong when most of what it shows of it lies on photographed pixels to be matched, with
    colors off by more than `min_error` (mean of RGB). Of all Gaussians at most `max_share` are chosen, those with the
    most wrong pixels. It is FastGS' multi-view score (Ren et al. 2026, eq. 6 to 8) with two changes: errors are counted
    by contribution, and are absolute, for relative to the worst pixel even a perfect picture has some. Splitting is
    that of 3DGS: both halves keep the shape.
    """
    wrong, wrong_px, shown_px = _objections(gaussians, views, renderer, min_error)
    agreed = torch.where(wrong >= min_views, wrong_px, 0.0)
    worst = agreed.argsort(descending=True, stable=True)[: int(max_share * len(gaussians))]
    chosen = torch.zeros_like(agreed, dtype=torch.bool).index_fill_(0, worst, True) & (agreed > 0)
    if not bool(chosen.any()):
        return None
    large = chosen & (shown_px > _LARGE_PX)
    halves = [_scattered(gaussians.subset(large), seed + half) for half in range(2)]
    return Change(~large, Gaussians.concat(gaussians.subset(chosen & ~large), *halves))


def _objections(
    gaussians: Gaussians, views: Sequence[View], renderer: Renderer, min_error: float
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"], Float[Tensor, "n"]]:
    """Of each Gaussian: poses that find it wrong, its wrong pixels in all views, the most that one view shows of it."""
    wrong_pixels = [_wrong(view, renderer, gaussians, min_error) for view in views]
    maps = [torch.stack([torch.ones_like(wrong), wrong], -1) for wrong in (w.float() for w in wrong_pixels)]
    shown, wrong = contributions(gaussians, [view.camera for view in views], maps, renderer).unbind(-1)
    objects = (wrong > _HALF * shown) & (shown > _LEAST_PX)
    poses: dict[bytes, Bool[Tensor, "n"]] = {}
    for view, by_view in zip(views, objects, strict=True):  # a photo and the canvas around it are one witness
        pose = view.camera.cam_from_world.cpu().numpy().tobytes()
        poses[pose] = poses.get(pose, torch.zeros_like(by_view)) | by_view
    return torch.stack(list(poses.values())).sum(0).float(), wrong.sum(0), shown.amax(0)


def _wrong(view: View, renderer: Renderer, gaussians: Gaussians, min_error: float) -> Bool[Tensor, "h w"]:
    with torch.no_grad():
        rgb = renderer(gaussians, [view.camera], want=("rgb",))[0].rgb
    return view.supervise & ~view.generated & ((rgb - view.rgb).abs().mean(-1) > min_error)


def _scattered(gaussians: Gaussians, seed: int) -> Gaussians:
    """A smaller one for each, drawn from it."""
    draw = torch.randn(gaussians.means.shape, generator=torch.Generator().manual_seed(seed)).to(gaussians.means)
    offset = (rotations_from_quats(gaussians.quats_wxyz) @ (gaussians.scales * draw)[..., None])[..., 0]
    return replace(gaussians, means=gaussians.means + offset, scales=gaussians.scales / _SHRINK)
