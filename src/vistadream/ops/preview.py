"""How much of each camera's picture is hole, judged by alpha alone at low resolution on a scene made small to match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer

_DEPTH_CELL = 0.05
"""Size of a cell along the line of sight, relative to its distance: surfaces further apart are not merged."""


def hole_ratios(gaussians: Gaussians, path: Sequence[Camera], renderer: Renderer, long_side_px: int) -> list[float]:
    """Share of each camera's picture with alpha under one half, at `long_side_px` pixels, never enlarged.

    Low resolution sees holes smaller than they are, thin ones not at all, and ranks them as full size does.
    """
    shrink = max(1.0, max(path[0].width, path[0].height) / long_side_px)
    small = [camera.resize(round(camera.width / shrink), round(camera.height / shrink)) for camera in path]
    if shrink > 1:
        gaussians = clustered(gaussians, path[0].center, 1 / small[0].fx)
    with torch.no_grad():
        seen = renderer(gaussians, small, want=("alpha",))
    return [float((rendering.alpha < 0.5).float().mean()) for rendering in seen]


def clustered(gaussians: Gaussians, center: Float[Tensor, "3"], cell_rad: float) -> Gaussians:
    """One Gaussian for all that lie in the same cell, seen from `center`: at their mean, grown to their total area.

    A cell is `cell_rad` wide in longitude and latitude and 5 % deep, so what is seen from other places near the centre
    keeps its silhouettes. Order, and with it the result, depends on nothing but the Gaussians.
    """
    away = gaussians.means - center
    distance = away.norm(dim=-1).clamp_min(1e-12)
    longitude = torch.atan2(away[:, 0], away[:, 2]) / cell_rad
    latitude = torch.asin((away[:, 1] / distance).clamp(-1, 1)) / cell_rad
    cell = torch.stack([longitude, latitude, distance.log() / _DEPTH_CELL], dim=-1).floor().long()
    cell = (cell - cell.min(dim=0).values) @ _strides(cell)
    _, first, inverse, count = np.unique(cell.numpy(), return_index=True, return_inverse=True, return_counts=True)
    home = torch.from_numpy(inverse)
    kept, n = gaussians.subset(torch.from_numpy(first)), torch.from_numpy(count).float()
    area = gaussians.scales.topk(2, dim=-1).values.prod(dim=-1)
    total = torch.zeros(len(n)).index_add(0, home, area)
    means = torch.zeros(len(n), 3).index_add(0, home, gaussians.means) / n[:, None]
    return replace(kept, means=means, scales=kept.scales * (total / area[first]).sqrt()[:, None])


def _strides(cell: Tensor) -> Tensor:
    """Weights that make one number of a cell's three."""
    extent = cell.max(dim=0).values - cell.min(dim=0).values + 1
    return torch.stack([extent[1] * extent[2], extent[2], torch.ones_like(extent[2])])
