"""The exposure of each photo, from the colors of points that several photos see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.core import SparsePoints, View

_DARK, _BRIGHT = 0.04, 0.96
"""Colors outside of this range are clipped or mostly noise, and say nothing about exposure."""
_ITERATIONS = 30
_SCALE = 0.05
"""Residuals of log color above this count less and less (Cauchy weights): occlusions and highlights."""


def exposure_gains(views: Sequence[View], points: SparsePoints) -> Float[Tensor, "v 3"]:
    """One factor for each View and color channel, so that color = gain * (color at the mean exposure).

    Minimizes the robust differences between log(color) of each observation and log(gain of the View) + log(color of the
    point), by turns in gains and points. The mean of log(gain) is 0; a View that sees none of the points has gain 1.
    The gains are on the device of the points.
    """
    names = [view.name for view in views]
    index = [names.index(name) if name in names else -1 for name in points.views]
    view_of = points.view_of.new_tensor(index)[points.view_of]
    colors = _observed_colors(views, view_of, points)
    good = (view_of >= 0) & ((colors > _DARK) & (colors < _BRIGHT)).all(dim=-1)
    view_of, point_of, logs = view_of[good], points.point_of[good], colors[good].log()
    gains, albedo = colors.new_zeros(len(views), 3), colors.new_zeros(len(points), 3)
    seen = torch.bincount(view_of, minlength=len(views)) > 0
    if not bool(seen.any()):
        return colors.new_ones(len(views), 3)
    weights = torch.ones_like(logs)
    for _ in range(_ITERATIONS):
        albedo = _means(logs - gains[view_of], weights, point_of, len(points))
        gains = _means(logs - albedo[point_of], weights, view_of, len(views))
        gains = torch.where(seen[:, None], gains - gains[seen].mean(dim=0), 0.0)
        residuals = logs - albedo[point_of] - gains[view_of]
        weights = 1 / (1 + (residuals / _SCALE) ** 2)
    return gains.exp()


def _observed_colors(views: Sequence[View], view_of: Tensor, points: SparsePoints) -> Float[Tensor, "m 3"]:
    """The color around each observation, mean over 3x3 pixels; 0 for a View that is not among `views`."""
    colors = torch.zeros(len(view_of), 3, device=view_of.device)
    for i, view in enumerate(views):
        mine = view_of == i
        smooth = F.avg_pool2d(view.rgb.permute(2, 0, 1)[None], 3, 1, 1, count_include_pad=False)[0]
        column, row = points.px[mine].long().unbind(-1)
        row, column = row.clamp(0, view.camera.height - 1), column.clamp(0, view.camera.width - 1)
        colors[mine] = smooth[:, row.to(smooth.device), column.to(smooth.device)].T.to(colors)
    return colors


def _means(values: Tensor, weights: Tensor, group: Tensor, count: int) -> Float[Tensor, "count 3"]:
    """The weighted mean of the values of each group; 0 for a group without values."""
    sums, whole = values.new_zeros(count, 3), values.new_zeros(count, 3)
    sums.index_add_(0, group, values * weights)
    whole.index_add_(0, group, weights)
    return sums / whole.clamp_min(1e-9)
