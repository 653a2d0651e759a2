"""Fewer Gaussians for the same picture: neighbors on one surface become one where the pictures have no detail.

A lift makes one Gaussian a pixel. Taking any of these away tears a hole, which is why rules that drop the least useful
ones prune such scenes badly; but where a wall is plain, one Gaussian twice as large does the work of four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer, View
from vistadream.ops.fit.budget.contribution import contributions
from vistadream.ops.gaussians.rotation import rotations_from_quats

_CELLS_PX = (2, 4)
"""Pixels are merged by these squares, one after the other."""
_GROWTH = 1.35
"""A merged Gaussian is larger by this factor than its members' area asks for: overlaps fit sooner than gaps close."""
_BACK = 1.7
"""Its center moves back by so much of the thickness that it gains: transmittance crosses one half where it did."""
_OFF_PLANE = 0.5
"""Members lie at most so far off the plane of the heaviest, in standard deviations (root mean square)."""
_SPREAD = 2.8
"""And so far from their mean; where footprints meet as a lift leaves them, it is 1.4."""
_SAME = 0.99
"""Of two pictures that show a Gaussian equally well, the larger one's grid counts."""


def merge_alike(gaussians: Gaussians, views: Sequence[View], renderer: Renderer, tolerance: float) -> Gaussians:
    """The scene with neighbors merged wherever pictures lose less than `tolerance` of color (root mean square) by it.

    Neighbors are those within one square of the picture that shows them best. They merge when they lie on one plane,
    into one with the shape of the heaviest and the area of all, whose front is where theirs was: none gets thinner by
    it. What is kept comes first, in its order. 0 merges nothing.
    """
    if tolerance > 0 and len(gaussians) and views:
        views = sorted(views, key=lambda view: -view.camera.width * view.camera.height)
        for cell_px in _CELLS_PX:
            gaussians = _merge_squares(gaussians, views, renderer, cell_px, tolerance)
    return gaussians


def lost_detail(rgb: Float[Tensor, "h w 3"], cell_px: int) -> Float[Tensor, "h w"]:
    """Squared error, mean of RGB, of a picture shrunk by means over squares and enlarged again bilinearly."""
    h, w = rgb.shape[:2]
    padded = F.pad(rgb.permute(2, 0, 1)[None], (0, -w % cell_px, 0, -h % cell_px), mode="replicate")
    small = F.avg_pool2d(padded, cell_px)
    smooth = F.interpolate(small, size=padded.shape[2:], mode="bilinear", align_corners=False)
    return (smooth - padded)[0, :, :h, :w].square().mean(0)


@dataclass(frozen=True)
class _Groups:
    """Which group each Gaussian is in; sums and means over groups."""

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
    cameras = [view.camera for view in views]
    maps = [torch.stack([torch.ones_like(d), d], -1) for d in (lost_detail(view.rgb, cell_px) for view in views)]
    shown, lost = contributions(gaussians, cameras, maps, renderer).unbind(-1)
    best = (shown >= _SAME * shown.amax(0)).float().argmax(0)
    groups = _squares(gaussians, cameras, shown, best, cell_px)
    area = gaussians.scales.sort(dim=-1).values[:, 1:].prod(-1)
    mass = gaussians.opacities * area
    first = groups.heaviest(mass)
    heaviest = gaussians.subset(first)
    means, opacities = groups.mean(gaussians.means, mass), groups.mean(gaussians.opacities, area)
    normal = _facing(heaviest, torch.stack([camera.world_from_cam[:3, 3] for camera in cameras])[best[first]])
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
    """Gaussians grouped by the square of the picture that shows them best; what no picture shows stays alone."""
    key = -1 - torch.arange(len(gaussians), device=best.device)
    for index, camera in enumerate(cameras):
        here = (best == index) & (shown[index] > 0)
        uv, _ = camera.project(gaussians.means[here])
        column, row = (uv / cell_px).floor().long().clamp(-(2**19), 2**19 - 1).unbind(-1)
        key[here] = (index * 2**20 + row + 2**19) * 2**20 + column + 2**19
    _, of, count = torch.unique(key, return_inverse=True, return_counts=True)
    return _Groups(of, count)


def _facing(gaussians: Gaussians, eyes: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """The direction of each one's smallest axis, towards its eye."""
    axes = rotations_from_quats(gaussians.quats_wxyz)
    normal = axes[torch.arange(len(gaussians)), :, gaussians.scales.argmin(-1)]
    return torch.where(((eyes - gaussians.means) * normal).sum(-1, keepdim=True) < 0, -normal, normal)


def _on_one_plane(
    gaussians: Gaussians,
    groups: _Groups,
    area: Float[Tensor, "n"],
    mass: Float[Tensor, "n"],
    normal: Float[Tensor, "g 3"],
) -> Bool[Tensor, "g"]:
    """Groups whose members lie side by side on the plane across the normal."""
    away = gaussians.means - groups.mean(gaussians.means, mass)[groups.of]
    off = groups.mean((away * normal[groups.of]).sum(-1).square(), mass)
    spread = groups.mean(away.square().sum(-1), mass)
    variance = groups.mean(area, mass)
    return (off < _OFF_PLANE**2 * variance) & (spread < _SPREAD**2 * variance)
