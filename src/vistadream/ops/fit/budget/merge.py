"""Fewer Gaussians for the same picture: neighbors on one surface are merged where the pictures have no detail.

Lifting makes one Gaussian per pixel. If one of them is removed, a hole appears; therefore methods that prune the least
useful Gaussians do not work for such scenes. But on a plain wall one Gaussian of twice the size can replace four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer, View
from vistadream.ops.fit.budget.contribution import contributions
from vistadream.ops.gaussians.rotation import rotations_from_quats
from vistadream.ops.image.pixels import lost_detail

_CELLS_PX = (2, 4)
"""The sizes of the squares whose Gaussians are merged, one after the other."""
_GROWTH = 1.35
"""A merged Gaussian is larger by this factor than the area of its members, because a fit removes overlaps faster than
gaps."""
_BACK = 1.7
"""Its center moves back by this factor times the gain in thickness, so that the median depth stays the same."""
_OFF_PLANE = 0.5
"""The largest distance of the members from the plane of the heaviest one, in standard deviations (root mean square)."""
_SPREAD = 2.8
"""The largest distance of the members from their mean, in the same unit; for adjacent pixels of one lift it is 1.4."""
_SAME = 0.99
"""If several pictures show a Gaussian about equally well (up to this factor), the grid of the largest one counts."""


def merge_alike(gaussians: Gaussians, views: Sequence[View], renderer: Renderer, tolerance: float) -> Gaussians:
    """Merges neighbors wherever this changes the pictures by less than `tolerance` (root mean square of colors).

    Neighbors are the Gaussians within one square of the picture that shows them best. They are merged if they are on
    one plane. The merged Gaussian has the shape of the heaviest member, the area of all members, and its front where
    theirs was; it is never thinner. Gaussians that stay come first, in their order. A tolerance of 0 merges nothing.
    """
    if tolerance > 0 and len(gaussians) and views:
        views = sorted(views, key=lambda view: -view.camera.width * view.camera.height)
        for cell_px in _CELLS_PX:
            gaussians = _merge_squares(gaussians, views, renderer, cell_px, tolerance)
    return gaussians


@dataclass(frozen=True)
class _Groups:
    """The group of each Gaussian; sums and means over groups."""

    of: Int[Tensor, "n"]
    count: Int[Tensor, "g"]

    def sum(self, values: Float[Tensor, "n *c"]) -> Float[Tensor, "g *c"]:
        return values.new_zeros((len(self.count), *values.shape[1:])).index_add_(0, self.of, values)

    def mean(self, values: Float[Tensor, "n *c"], weights: Float[Tensor, "n"]) -> Float[Tensor, "g *c"]:
        weights = weights.view(-1, *[1] * (values.dim() - 1))
        return self.sum(values * weights) / self.sum(weights)

    def heaviest(self, weights: Float[Tensor, "n"]) -> Int[Tensor, "g"]:
        """The member of each group with the largest weight."""
        order = weights.argsort(stable=True)
        by_group = order[self.of[order].argsort(stable=True)]
        return by_group[self.count.cumsum(0) - 1]


def _merge_squares(
    gaussians: Gaussians, views: Sequence[View], renderer: Renderer, cell_px: int, tolerance: float
) -> Gaussians:
    """Merges within squares of one size."""
    # What each picture shows of each Gaussian, and the detail that a merge would lose there.
    cameras = [view.camera for view in views]
    maps = [torch.stack([torch.ones_like(d), d], -1) for d in (lost_detail(view.rgb, cell_px) for view in views)]
    shown, lost = contributions(gaussians, cameras, maps, renderer).unbind(-1)
    best = (shown >= _SAME * shown.amax(0)).float().argmax(0)
    # Groups of Gaussians, and the mean and the heaviest member of each.
    groups = _squares(gaussians, cameras, shown, best, cell_px)
    area = gaussians.scales.sort(dim=-1).values[:, 1:].prod(-1)
    mass = gaussians.opacities * area
    first = groups.heaviest(mass)
    heaviest = gaussians.subset(first)
    means, opacities = groups.mean(gaussians.means, mass), groups.mean(gaussians.opacities, area)
    eyes = torch.stack([camera.center for camera in cameras]).to(means)
    normal = _facing(heaviest, eyes[best[first]])
    # Groups without detail and on one plane are merged into the heaviest member, enlarged.
    plain = groups.sum(lost.sum(0)) < tolerance**2 * groups.sum(shown.sum(0))
    chosen = (groups.count > 1) & plain & _on_one_plane(gaussians, groups, area, mass, normal)
    growth = _GROWTH * (groups.sum(mass) / (opacities * area[first])).sqrt()
    thicker = (growth - 1) * heaviest.scales.amin(-1)
    merged = replace(
        heaviest,
        means=means - _BACK * thicker[:, None] * normal,
        scales=heaviest.scales * growth[:, None],
        opacities=opacities,
        colors=groups.mean(gaussians.colors, shown.sum(0)),
    )
    return Gaussians.concat(gaussians.subset(~chosen[groups.of]), merged.subset(chosen))


def _squares(
    gaussians: Gaussians,
    cameras: Sequence[Camera],
    shown: Float[Tensor, "v n"],
    best: Int[Tensor, "n"],
    cell_px: int,
) -> _Groups:
    """Gaussians grouped by square of the picture that shows them best; a Gaussian in no picture is a group alone."""
    key = -1 - torch.arange(len(gaussians), device=best.device)
    for index, camera in enumerate(cameras):
        here = (best == index) & (shown[index] > 0)
        uv, _ = camera.project(gaussians.means[here])
        column, row = (uv / cell_px).floor().long().clamp(-(2**19), 2**19 - 1).unbind(-1)
        key[here] = (index * 2**20 + row + 2**19) * 2**20 + column + 2**19
    _, of, count = torch.unique(key, return_inverse=True, return_counts=True)
    return _Groups(of, count)


def _facing(gaussians: Gaussians, eyes: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """The direction of the smallest axis of each Gaussian, towards its camera position in `eyes`."""
    axes = rotations_from_quats(gaussians.quats_wxyz)
    normal = axes[torch.arange(len(gaussians), device=axes.device), :, gaussians.scales.argmin(-1)]
    return torch.where(((eyes - gaussians.means) * normal).sum(-1, keepdim=True) < 0, -normal, normal)


def _on_one_plane(
    gaussians: Gaussians,
    groups: _Groups,
    area: Float[Tensor, "n"],
    mass: Float[Tensor, "n"],
    normal: Float[Tensor, "g 3"],
) -> Bool[Tensor, "g"]:
    """Which groups have members that are next to each other on the plane perpendicular to the normal."""
    away = gaussians.means - groups.mean(gaussians.means, mass)[groups.of]
    off = groups.mean((away * normal[groups.of]).sum(-1).square(), mass)
    spread = groups.mean(away.square().sum(-1), mass)
    variance = groups.mean(area, mass)
    return (off < _OFF_PLANE**2 * variance) & (spread < _SPREAD**2 * variance)
