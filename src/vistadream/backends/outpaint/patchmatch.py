"""Approximate nearest patches (PatchMatch, Barnes et al. 2009) and the vote of patches (Wexler et al. 2007).

A field "h w 2" holds the source of each query as (row, column), -1 where there is no query. Every sweep reads one field
and writes another, and random numbers are hashes of the query's index: the result has the same bits for any number and
order of threads.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from vistadream.ops.numerics.jit import inlined, kernel
from vistadream.ops.numerics.threads import over_range

RADIUS = 3
"""Patches are squares of 2 * RADIUS + 1 pixels."""
NEIGHBORS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-4, 0), (4, 0), (0, -4), (0, 4))
"""Offsets of the queries whose sources a query tries: adjacent, and 4 pixels away, so that good sources spread fast."""


class Sources(NamedTuple):
    """The patches that may be copied, and the costs of a source in addition to the squared color differences."""

    usable: Bool[ndarray, "h w"]
    """Centers of patches that are completely known and inside the picture."""
    bias: Float[ndarray, "h w"]
    """Extra cost of each source."""
    pull: Float[ndarray, "2"]
    """Extra cost per squared pixel of vertical and of horizontal distance between query and source."""
    apart: int = 0
    """Sources closer to their query than this, along both axes, are not allowed."""


def search(
    image: Float[ndarray, "h w c"],
    trust: Float[ndarray, "h w"],
    sources: Sources,
    queries: Int[ndarray, "n 2"],
    field: Int[ndarray, "h w 2"],
    sweeps: int,
    seed: int,
    threads: int,
) -> tuple[Int[ndarray, "h w 2"], Float[ndarray, "h w"]]:
    """An improved field and its costs: squared color difference per pixel, weighted by `trust`, plus extra costs."""
    side = 2 * RADIUS + 1
    weight = cv2.boxFilter(trust, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    reach = max(trust.shape) / 2
    for sweep in range(sweeps):
        found, cost = field.copy(), np.zeros(trust.shape, np.float32)
        read = (image, trust, weight, *sources, queries, field, reach, seed + sweep)
        over_range(threads, len(queries), partial(_sweep, *read, found, cost))
        field = found
    return field, cost


def vote(
    image: Float[ndarray, "h w c"],
    pixels: Int[ndarray, "n 2"],
    field: Int[ndarray, "h w 2"],
    weight: Float[ndarray, "h w"],
    threads: int,
) -> Float[ndarray, "h w c"]:
    """`image` with each listed pixel replaced by the weighted mean of the source patches that cover it."""
    voted = image.copy()
    over_range(threads, len(pixels), partial(_vote, image, pixels, field, weight, voted))
    return voted


@inlined()
def _random(seed, a, b):
    """A float in [0, 1) from three integers: two rounds of the splitmix64 finalizer (Steele et al. 2014)."""
    x = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(a) * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(b)
    for _ in range(2):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return np.float64(x >> np.uint64(11)) / np.float64(1 << 53)


@inlined(fastmath={"reassoc", "contract"})
def _cost(image, trust, weight, usable, bias, pull, apart, y, x, v, u, limit):
    """The cost of copying (v, u) to (y, x); infinite if not allowed, or as soon as it exceeds `limit`."""
    h, w, channels = image.shape
    if v < 0 or v >= h or u < 0 or u >= w or not usable[v, u] or max(abs(v - y), abs(u - x)) < apart:
        return np.float32(np.inf)
    extra = bias[v, u] + pull[0] * np.float32((v - y) * (v - y)) + pull[1] * np.float32((u - x) * (u - x))
    budget = (limit - extra) * weight[y, x]
    left, right = max(-RADIUS, -x), min(RADIUS, w - 1 - x)
    total = np.float32(0)
    for dy in range(max(-RADIUS, -y), min(RADIUS, h - 1 - y) + 1):
        if total > budget:
            return np.float32(np.inf)
        for dx in range(left, right + 1):
            difference = np.float32(0)
            for c in range(channels):
                step = image[y + dy, x + dx, c] - image[v + dy, u + dx, c]
                difference += step * step
            total += trust[y + dy, x + dx] * difference
    return total / weight[y, x] + extra


@kernel(nogil=True)
def _sweep(
    image, trust, weight, usable, bias, pull, apart, queries, field, reach, seed, found, found_cost, first, last
):
    """Each query takes the best of its source, those of its neighbors (shifted), and random ones around the best."""
    h, w = usable.shape
    for i in range(first, last):
        y, x = queries[i]
        v, u = field[y, x, 0], field[y, x, 1]
        best = _cost(image, trust, weight, usable, bias, pull, apart, y, x, v, u, np.float32(np.inf))
        # Propagation: the sources of the neighbors, shifted by the offset to them.
        for dy, dx in NEIGHBORS:
            if 0 <= y + dy < h and 0 <= x + dx < w and field[y + dy, x + dx, 0] >= 0:
                a, b = field[y + dy, x + dx, 0] - dy, field[y + dy, x + dx, 1] - dx
                cost = _cost(image, trust, weight, usable, bias, pull, apart, y, x, a, b, best)
                if cost < best:
                    v, u, best = a, b, cost
        # Random search around the best source, in halved radii.
        radius, k = reach, 0
        while radius >= 1:
            a = v + round((2 * _random(seed, y * w + x, k) - 1) * radius)
            b = u + round((2 * _random(seed, y * w + x, k + 1) - 1) * radius)
            cost = _cost(image, trust, weight, usable, bias, pull, apart, y, x, a, b, best)
            if cost < best:
                v, u, best = a, b, cost
            radius, k = radius / 2, k + 2
        found[y, x, 0], found[y, x, 1], found_cost[y, x] = v, u, best


@kernel(nogil=True)
def _vote(image, pixels, field, weight, voted, first, last):
    h, w, channels = image.shape
    color = np.zeros(channels, np.float32)
    for i in range(first, last):
        y, x = pixels[i]
        total = np.float32(0)
        color[:] = 0
        for dy in range(max(-RADIUS, -y), min(RADIUS, h - 1 - y) + 1):
            for dx in range(max(-RADIUS, -x), min(RADIUS, w - 1 - x) + 1):
                v, u = field[y + dy, x + dx, 0], field[y + dy, x + dx, 1]
                if v >= 0:
                    share = weight[y + dy, x + dx]
                    total += share
                    for c in range(channels):
                        color[c] += share * image[v - dy, u - dx, c]
        for c in range(channels):
            voted[y, x, c] = color[c] / total
