"""Semi-global matching (Hirschmueller 2008): the cost of a depth includes what its jumps cost along eight paths."""

from __future__ import annotations

from functools import partial

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from vistadream.ops.numerics.jit import kernel
from vistadream.ops.numerics.threads import over_range

DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))
"""Steps (row, column) of the paths."""
STEP_COST = np.float32(0.05)
"""P1: the cost of a change by one plane, as on slanted surfaces."""
JUMP_COST = np.float32(1.5)
"""P2: the cost of a larger change between two pixels of one gray."""
EDGE = np.float32(20)
"""How much a step of gray lowers the cost of a jump: P2 / (1 + EDGE * step)."""


def smoothed_costs(
    volume: Float32[ndarray, "h w d"], gray: Float32[ndarray, "h w"], threads: int
) -> Float32[ndarray, "h w d"]:
    """The mean over eight paths of the least cost of a path that ends at the pixel with that plane."""
    total = np.zeros_like(volume)
    for down, right in DIRECTIONS:
        rows, columns = _starts(gray.shape, down, right)
        over_range(threads, len(rows), partial(_follow, volume, gray, total, down, right, rows, columns))
    total /= len(DIRECTIONS)
    return total


def _starts(shape: tuple[int, ...], down: int, right: int) -> tuple[ndarray, ndarray]:
    """Rows and columns of the pixels at which the paths of one direction enter the picture."""
    (h, w), (row, column) = shape, np.indices(shape)
    outside = (row - down < 0) | (row - down >= h) | (column - right < 0) | (column - right >= w)
    return row[outside], column[outside]


@kernel(nogil=True, error_model="numpy")
def _follow(volume, gray, total, down, right, rows, columns, first, last):
    """Adds the costs along the paths that start at the listed pixels, each pixel of which lies on one path only."""
    h, w, planes = volume.shape
    here, before = np.empty(planes + 2, np.float32), np.empty(planes + 2, np.float32)
    for i in range(first, last):
        y, x = rows[i], columns[i]
        before[:], here[:] = np.inf, np.inf  # at both ends they stay infinite
        before[1:-1] = 0
        least, jump = np.float32(0), JUMP_COST
        while 0 <= y < h and 0 <= x < w:
            lowest = np.float32(np.inf)
            for d in range(planes):
                best = min(before[d + 1], least + jump)
                best = min(best, min(before[d], before[d + 2]) + STEP_COST)
                cost = volume[y, x, d] + best - least
                here[d + 1] = cost
                total[y, x, d] += cost
                lowest = min(lowest, cost)
            here, before, least = before, here, lowest
            y, x = y + down, x + right
            if 0 <= y < h and 0 <= x < w:
                jump = JUMP_COST / (1 + EDGE * abs(gray[y, x] - gray[y - down, x - right]))


def lowest_plane(total: Float32[ndarray, "h w d"], threads: int) -> tuple[ndarray, ndarray]:
    """For each pixel the plane of the lowest cost with its fraction, and by how much the next best choice costs more.

    The fraction is the vertex of the parabola through the costs of three planes. The next best choice is the lowest
    cost at two planes or more from the best one.
    """
    place, margin = np.empty(total.shape[:2], np.float32), np.empty(total.shape[:2], np.float32)
    over_range(threads, len(total), partial(_lowest, total, place, margin))
    return place, margin


@kernel(nogil=True, error_model="numpy")
def _lowest(total, place, margin, first, last):
    _, w, planes = total.shape
    for y in range(first, last):
        for x in range(w):
            cost = total[y, x]
            best = 0
            for d in range(1, planes):
                if cost[d] < cost[best]:
                    best = d
            second = np.float32(np.inf)
            for d in range(planes):
                if abs(d - best) > 1:
                    second = min(second, cost[d])
            fraction = np.float32(0)
            if 0 < best < planes - 1:
                bend = cost[best - 1] - 2 * cost[best] + cost[best + 1]
                if bend > 0:
                    fraction = np.float32(0.5) * (cost[best - 1] - cost[best + 1]) / bend
            place[y, x] = best + fraction
            margin[y, x] = second - cost[best]
