"""Estimates of what the cameras of a path see (holes and depth) at low resolution, from a reduced scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer
from vistadream.ops.image.colormap import depth_range

_DEPTH_CELL = 0.05
"""Size of a cell along the line of sight, relative to its distance: surfaces with a larger distance stay separate."""
_RANGE_FRAMES, _RANGE_PX = 24, 160
"""The number of cameras of a path, and the long side of their pictures, from which its depth range is estimated."""


def hole_ratios(gaussians: Gaussians, path: Sequence[Camera], renderer: Renderer) -> list[float]:
    """The share of each camera's picture with alpha below one half."""
    with torch.no_grad():
        seen = renderer(gaussians, path, want=("alpha",))
    return [float((rendering.require("alpha") < 0.5).float().mean()) for rendering in seen]


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
    # Sort the Gaussians by cell, and by index within a cell; `starts` is the first of each cell.
    cell = _cells(gaussians.means - center, cell_rad)
    keyed = np.sort((cell.astype(np.uint64) << np.uint64(32)) | np.arange(len(cell), dtype=np.uint64))
    order, cell = (keyed & np.uint64(0xFFFFFFFF)).astype(np.int64), keyed >> np.uint64(32)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(cell)) + 1])
    # The first Gaussian of each cell takes the mean position and the total area.
    area = gaussians.scales.sort(dim=-1).values[:, 1:].prod(dim=-1).numpy()
    growth = np.sqrt(np.add.reduceat(area[order], starts) / area[order[starts]])
    count = np.diff(starts, append=len(order))[:, None]
    means = np.add.reduceat(gaussians.means.numpy()[order].astype(np.float64), starts) / count
    kept = gaussians.subset(torch.from_numpy(order[starts]))
    return replace(kept, means=torch.from_numpy(means).float(), scales=kept.scales * torch.from_numpy(growth)[:, None])


def _cells(away: Float[Tensor, "n 3"], cell_rad: float) -> Int[ndarray, "n"]:
    """The number of the cell of each position, which is relative to the center."""
    x, y, z = away.unbind(-1)
    distance = away.norm(dim=-1).clamp_min(1e-12)
    longitude, latitude = torch.atan2(x, z) / cell_rad, torch.asin((y / distance).clamp(-1, 1)) / cell_rad
    places = [place.floor() for place in (longitude, latitude, distance.log() / _DEPTH_CELL)]
    first = [place.min() for place in places]
    across, up, along = (int(place.max() - least) + 1 for place, least in zip(places, first, strict=True))
    if across * up * along >= 2**32:
        raise ValueError(f"clustered: cell_rad {cell_rad:g} makes {across * up * along:.1e} cells; wanted under 2^32")
    column, row, layer = ((place - least).long() for place, least in zip(places, first, strict=True))
    return ((column * up + row) * along + layer).numpy()
