"""Estimates of what the cameras of a path see (holes and depth) at low resolution, from a reduced scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer
from vistadream.ops.image.colormap import depth_range
from vistadream.ops.numerics.precision import widened

_DEPTH_CELL = 0.05
"""Size of a cell along the line of sight, relative to its distance: surfaces with a larger distance stay separate."""
_RANGE_FRAMES, _RANGE_PX = 24, 160
"""The number of cameras of a path, and the long side of their pictures, from which its depth range is estimated."""


def hole_ratios(gaussians: Gaussians, path: Sequence[Camera], renderer: Renderer) -> list[float]:
    """The share of each camera's picture with alpha below one half."""
    with torch.no_grad():
        seen = renderer(gaussians, path, want=("alpha",))
    ratios = [(rendering.require("alpha") < 0.5).float().mean() for rendering in seen]
    return torch.stack(ratios).tolist() if ratios else []


def depth_range_along(gaussians: Gaussians, path: Sequence[Camera], renderer: Renderer) -> tuple[float, float]:
    """Near and far for `depth_colors` for a whole path: percentiles 1 and 99 of z over its frames.

    They are estimated from at most 24 small pictures, evenly spread over the path, where alpha is at least one half.
    """
    few = shrunk(path[:: math.ceil(len(path) / _RANGE_FRAMES)], _RANGE_PX)
    with torch.no_grad():
        seen = renderer(clustered(gaussians, path[0].center, 1 / few[0].fx), few, want=("z", "alpha"))
    z, alpha = (torch.cat([rendering.require(name) for rendering in seen]) for name in ("z", "alpha"))
    return depth_range(z, (alpha >= 0.5) & z.isfinite())


def shrunk(path: Sequence[Camera], long_side_px: int) -> list[Camera]:
    """The cameras with pictures whose long side is at most `long_side_px` pixels.

    At low resolution holes appear smaller, and thin ones disappear, but the order of the poses is the same.
    """
    shrink = max(1.0, max(path[0].width, path[0].height) / long_side_px)
    return [camera.resize(round(camera.width / shrink), round(camera.height / shrink)) for camera in path]


def clustered(gaussians: Gaussians, center: Float[Tensor, "3"], cell_rad: float) -> Gaussians:
    """One Gaussian for all Gaussians in the same cell, seen from `center`: at their mean, enlarged to their total area.

    A cell is `cell_rad` wide in longitude and latitude and 5 % deep, so silhouettes are preserved for cameras near the
    center. ValueError when `cell_rad` is so small that there are 2^32 cells or more.
    """
    if not len(gaussians):
        return gaussians
    # Sort the Gaussians by cell, and by index within a cell; `first` is the first of each cell.
    cell = _cells(gaussians.means - center.to(gaussians.means), cell_rad)
    keyed = _sorted(((cell - 2**31) << 32) + torch.arange(len(cell), device=cell.device))
    order, cell = keyed & 0xFFFFFFFF, keyed >> 32
    counts = torch.unique_consecutive(cell, return_counts=True)[1]
    starts = counts.cumsum(0) - counts
    first = order[starts]
    # The first Gaussian of each cell takes the mean position and the total area.
    area = gaussians.scales.sort(dim=-1).values[:, 1:].prod(dim=-1)
    growth = widened(_sums(area[order], starts, counts) / area[first]).sqrt().to(area)
    means = _sums(widened(gaussians.means[order]), starts, counts) / counts[:, None]
    kept = gaussians.subset(first)
    return replace(kept, means=means.float(), scales=kept.scales * growth[:, None])


def _sorted(keys: Int[Tensor, "n"]) -> Int[Tensor, "n"]:
    """The keys in ascending order; on a CPU by NumPy, which is several times as fast as torch there."""
    return torch.from_numpy(np.sort(keys.numpy())) if keys.device.type == "cpu" else keys.sort().values


def _sums(values: Float[Tensor, "n *c"], starts: Int[Tensor, "m"], counts: Int[Tensor, "m"]) -> Float[Tensor, "m *c"]:
    """The sum of each group of successive rows; on a CPU by NumPy, as for `_sorted`."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.add.reduceat(values.numpy(), starts.numpy()))
    group = torch.repeat_interleave(counts, output_size=len(values))
    return values.new_zeros(len(counts), *values.shape[1:]).index_add(0, group, values)


def _cells(away: Float[Tensor, "n 3"], cell_rad: float) -> Int[Tensor, "n"]:
    """The number of the cell of each position, which is relative to the center."""
    x, y, z = away.unbind(-1)
    distance = away.norm(dim=-1).clamp_min(1e-12)
    longitude, latitude = torch.atan2(x, z) / cell_rad, torch.asin((y / distance).clamp(-1, 1)) / cell_rad
    places = [place.floor() for place in (longitude, latitude, distance.log() / _DEPTH_CELL)]
    first = [place.min() for place in places]
    extents = torch.stack([place.max() - least for place, least in zip(places, first, strict=True)]).tolist()
    across, up, along = (int(extent) + 1 for extent in extents)
    if across * up * along >= 2**32:
        raise ValueError(f"clustered: cell_rad {cell_rad:g} makes {across * up * along:.1e} cells; wanted under 2^32")
    column, row, layer = ((place - least).long() for place, least in zip(places, first, strict=True))
    return (column * up + row) * along + layer
