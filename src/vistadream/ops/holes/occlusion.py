"""Which part of the rim of a hole in a depth map belongs to an occluder. Disparity is 1/z."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from vistadream.ops.numerics.jit import kernel

JUMP = 0.05
"""A larger relative change of disparity from pixel to pixel separates two surfaces."""
GAP = 0.1
"""A rim pixel is an occluder if its disparity exceeds that of the surface across the hole by more than this share."""


def disparity_slope(
    disparity: Float[ndarray, "h w"], known: Bool[ndarray, "h w"], window: float = 0.04
) -> Float[ndarray, "h w 2"]:
    """Change of disparity per pixel along (x, y): the mean over a window without the jumps between surfaces.

    `window` is its size as a share of the long side.
    """
    side = 2 * max(1, round(window * max(known.shape) / 2)) + 1
    slopes = []
    for axis in (1, 0):
        step = np.diff(disparity, axis=axis, append=0)
        paired = known & np.roll(known, -1, axis) & (np.abs(step) < JUMP * disparity)
        paired.swapaxes(0, axis)[-1] = False
        total = cv2.boxFilter(step * paired, -1, (side, side), normalize=False)
        count = cv2.boxFilter(paired.astype(np.float64), -1, (side, side), normalize=False)
        slopes.append(total / np.maximum(count, 1))
    return np.stack(slopes, axis=-1)


def far_rim(
    disparity: Float[ndarray, "h w"], slope: Float[ndarray, "h w 2"], known: Bool[ndarray, "h w"]
) -> Bool[ndarray, "h w"]:
    """Known pixels next to a hole, without those of occluders, which are in front of the surfaces across the hole.

    From every rim pixel, rays cross the hole in 16 directions. The pixel belongs to an occluder when it is nearer, by
    GAP, than the continued surface at which most of the rays arrive. Rays that leave the picture do not count, so a
    picture that is extended by a border has no occluders there.
    """
    rim = known & (cv2.dilate((~known).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    rows, columns = np.nonzero(rim)
    angles = np.arange(16) * (np.pi / 8)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    rim[rows, columns] = ~_look_across(disparity, slope, known, rows, columns, directions)
    return rim


@kernel()
def _look_across(disparity, slope, known, rows, columns, directions):
    """For each rim pixel: whether most rays across the hole arrive at a surface whose continuation is behind it."""
    h, w = known.shape
    is_nearer = np.zeros(rows.size, np.bool_)
    for i in range(rows.size):
        landed, behind = 0, 0
        for dx, dy in directions:
            # Follow the ray until it arrives at a known pixel or leaves the picture.
            x, y, steps = columns[i] + dx, rows[i] + dy, 0
            u, v = round(x), round(y)
            while 0 <= u < w and 0 <= v < h and not known[v, u]:
                x, y, steps = x + dx, y + dy, steps + 1
                u, v = round(x), round(y)
            if steps == 0 or not (0 <= u < w and 0 <= v < h):
                continue
            # Continue the surface found there back to the rim pixel, and compare.
            here = disparity[v, u] - slope[v, u, 0] * (u - columns[i]) - slope[v, u, 1] * (v - rows[i])
            landed += 1
            behind += disparity[rows[i], columns[i]] > (1 + GAP) * max(disparity[v, u], here)
        is_nearer[i] = 2 * behind > landed
    return is_nearer
