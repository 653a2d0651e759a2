"""Which pixels of a photo show surface that the other photos have not shown yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Rendering, View
from vistadream.core.knobs import FROM_0, FROM_1, SHARE, check_ranges
from vistadream.ops.holes.visibility import hides

_STRIDE = 6
"""Pixels between two of those that stand for a photo when photos are ordered."""


@dataclass(frozen=True)
class Fusion:
    """When a pixel adds a surface to those of other photos."""

    open_alpha: float
    """A pixel is lifted where the scene so far has less alpha than this."""
    in_front: float
    """Also where its surface is nearer than that of the scene by more than this fraction."""
    through: int
    """A point is dropped as noise when this number of other photos see a surface behind it."""
    sure: float
    """Pixels whose depth has less confidence are lifted last."""
    tolerance: float
    """Relative difference of depth up to which two surfaces are the same, when photos see through a point."""

    def __post_init__(self) -> None:
        check_ranges(self, open_alpha=SHARE, in_front=FROM_0, through=FROM_1, sure=SHARE, tolerance=SHARE)

    def part(self, view: View, is_sure: bool) -> View:
        """The View with its sure depth alone, or with its other depth alone; 0 elsewhere."""
        unknown = torch.ones_like(view.depth) if view.confidence is None else view.confidence
        return replace(view, z=torch.where((unknown >= self.sure) == is_sure, view.depth, 0.0))

    def adds(self, view: View, seen: Rendering) -> Bool[Tensor, "h w"]:
        """The pixels of a View that show a surface which the scene, rendered as `seen`, does not have."""
        alpha, z = seen.require("alpha"), seen.require("z")
        return view.lift & (view.depth > 0) & ((alpha < self.open_alpha) | (view.depth < (1 - self.in_front) * z))

    def floats(self, view: View, others: Sequence[View], is_sure: bool = True) -> Bool[Tensor, "h w"]:
        """The pixels of a View whose points are in the free space of at least `through` others, or of one if unsure."""
        pixels = view.lift & (view.depth > 0)
        points = view.camera.unproject(view.depth)[pixels]
        count = torch.zeros(len(points), dtype=torch.int64, device=points.device)
        for other in others:
            count += hides(points, other, self.tolerance)
        floating = torch.zeros_like(pixels)
        floating[pixels] = count >= (self.through if is_sure else 1)
        return floating


def by_new_surface(views: Sequence[View], tolerance: float) -> list[int]:
    """The indices of the Views: first the one with the most depth, then always the one that adds the most surface.

    Every sixth pixel stands for its View. It counts as known once a chosen View has depth there within `tolerance`.
    """
    samples = [_samples(view) for view in views]
    known = [torch.zeros(len(points), dtype=torch.bool, device=points.device) for points in samples]
    order: list[int] = []
    while len(order) < len(views):
        left = [i for i in range(len(views)) if i not in order]
        chosen = max(left, key=lambda i: int((~known[i]).sum()))
        order.append(chosen)
        for i in left:
            known[i] |= _shows(views[chosen], samples[i], tolerance)
    return order


def _samples(view: View) -> Float[Tensor, "k 3"]:
    points = view.camera.unproject(view.depth)[::_STRIDE, ::_STRIDE]
    return points[(view.depth > 0)[::_STRIDE, ::_STRIDE]]


def _shows(view: View, points: Float[Tensor, "k 3"], tolerance: float) -> Bool[Tensor, "k"]:
    """Which points are on the surface that a View shows."""
    inside, row, column, z = view.camera.pixels_of(points)
    seen = view.depth[row, column]
    return inside & (seen > 0) & ((z / seen.clamp_min(1e-9) - 1).abs() <= tolerance)
