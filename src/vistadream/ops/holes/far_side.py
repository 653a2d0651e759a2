"""The far side of things: which pixels hide a background that a moving camera uncovers, and where it lies.

At a depth edge the background goes on behind the foreground. When the camera moves sideways by b, the foreground's
outline moves over it by fx * b * (1/z_near - 1/z_far) pixels: that much of it can be uncovered.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.ops.depth.edges import EDGE_THRESHOLD, relative_depth_edges
from vistadream.ops.holes.fill import complete_depth
from vistadream.ops.holes.visibility import near_rim
from vistadream.ops.numerics.jit import kernel

_EDGE_PX = 5
"""Side of the window in which the foreground of an edge is looked for, since an edge may be soft."""


@dataclass(frozen=True, eq=False)
class FarSurface:
    """The background behind the depth edges of a picture."""

    pixels: Bool[Tensor, "h w"]
    """The pixels that hide it."""
    z: Float[Tensor, "h w"]
    """Its depth there; elsewhere that of the picture."""
    unknown: Bool[Tensor, "h w"]
    """The pixels that say nothing about its colors: those that hide it, and the foreground next to them."""


def far_surface(
    z: Float[Tensor, "h w"], usable: Bool[Tensor, "h w"], shift_px: float, widest_px: int, rim_px: int
) -> FarSurface:
    """The surfaces of the background at all depth edges, continued behind the foreground.

    `usable` are the pixels whose surface may be continued. `shift_px` is the focal length in pixels times the distance
    that the camera may move, so that `shift_px / z` is in pixels. A surface is continued by at most `widest_px`. The
    foreground says nothing about its colors up to `rim_px` farther. `z` must be positive.
    """
    covers = covering(z, usable, shift_px, widest_px)
    if not bool(covers.any()) or bool(covers.all()):
        nothing = torch.zeros_like(covers)
        return FarSurface(nothing, z, nothing)
    behind = complete_depth(z, ~covers)
    pixels = covers & (behind > (1 + EDGE_THRESHOLD) * z)
    unknown = covers | near_rim(z, covers, behind, rim_px, EDGE_THRESHOLD)
    return FarSurface(pixels, torch.where(pixels, behind, z), unknown)


def covering(
    z: Float[Tensor, "h w"], usable: Bool[Tensor, "h w"], shift_px: float, widest_px: int
) -> Bool[Tensor, "h w"]:
    """The pixels next to a depth edge that may uncover what is behind them; the parameters are those of `far_surface`.

    The edges are found on the CPU, once for a picture.
    """
    disparity = (1 / z.detach()).cpu().double().numpy()
    edges = usable & relative_depth_edges(z, torch.ones_like(usable))
    nearest = cv2.dilate(disparity, np.ones((_EDGE_PX, _EDGE_PX), np.uint8))
    reach_px = np.minimum(1 + shift_px * (nearest - disparity), widest_px)
    source = np.full(z.shape, -1, np.int64)
    _carry(disparity, edges.cpu().numpy(), reach_px, 1 + EDGE_THRESHOLD, source)
    return torch.from_numpy(source >= 0).to(z.device)


@kernel()
def _carry(disparity, edges, reach_px, nearer, source):
    """Gives each foreground pixel the nearest background pixel of `edges` whose reach it is in, in place.

    Foreground has more than `nearer` times the disparity. Pixels are passed on from neighbor to neighbor within the
    foreground, by two sweeps in each direction as for a distance transform; a pixel is numbered row * width + column.
    """
    h, w = disparity.shape
    distance = np.full((h, w), np.inf)
    for sweep in range(4):
        for k in range(h * w):
            i = k if sweep % 2 == 0 else h * w - 1 - k
            y, x = i // w, i % w
            for v in range(max(0, y - 1), min(h, y + 2)):
                for u in range(max(0, x - 1), min(w, x + 2)):
                    for j in (source[v, u], v * w + u if edges[v, u] else -1):
                        if j < 0:
                            continue
                        row, column = j // w, j % w
                        away = np.hypot(y - row, x - column)
                        if away > reach_px[row, column] or away >= distance[y, x]:
                            continue
                        if disparity[y, x] > nearer * disparity[row, column]:
                            distance[y, x], source[y, x] = away, j
