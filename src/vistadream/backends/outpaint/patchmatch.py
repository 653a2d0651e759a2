"""Approximate nearest patches (Barnes et al. 2009) and the vote of overlapping patches (Wexler et al. 2007).

Every sweep reads one field and writes another, and the random numbers are a hash of what they are for, so the result
depends on neither the number of threads nor their order.
"""

from __future__ import annotations

import numba
import numpy as np

from vistadream.ops.jit import kernel

RADIUS = 3
"""Patches are squares of 2 * RADIUS + 1 pixels."""


@kernel(inline="always")
def _random(seed, a, b):
    """A float in [0, 1) from three integers: two rounds of the splitmix64 finaliser (Steele et al. 2014)."""
    x = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(a) * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(b)
    for _ in range(2):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return np.float64(x >> np.uint64(11)) / np.float64(1 << 53)


@kernel(fastmath=True)
def _cost(image, trust, y, x, v, u, pull, limit):
    """Trust-weighted mean squared difference of the patch at (y, x), where inside the picture, to that at (v, u)."""
    h, w, channels = image.shape
    top, bottom = max(-RADIUS, -y), min(RADIUS, h - 1 - y)
    left, right = max(-RADIUS, -x), min(RADIUS, w - 1 - x)
    distance = pull * np.float32((u - x) * (u - x) + (v - y) * (v - y))
    weight = np.float32(0)
    for dy in range(top, bottom + 1):
        for dx in range(left, right + 1):
            weight += trust[y + dy, x + dx]
    total = np.float32(0)
    budget = (limit - distance) * weight
    for dy in range(top, bottom + 1):
        for dx in range(left, right + 1):
            difference = np.float32(0)
            for c in range(channels):
                step = image[y + dy, x + dx, c] - image[v + dy, u + dx, c]
                difference += step * step
            total += trust[y + dy, x + dx] * difference
        if total > budget:
            return np.float32(np.inf)
    return total / weight + distance


@kernel(parallel=True)
def search(image, trust, usable, rows, columns, field, pull, reach, seed):
    """One sweep: each query takes the best of its own, its neighbours' (shifted) and random sources around the best."""
    h, w = usable.shape
    found, found_cost = field.copy(), np.zeros((h, w), np.float32)
    for i in numba.prange(rows.size):
        y, x = rows[i], columns[i]
        v, u = field[y, x, 0], field[y, x, 1]
        best = _cost(image, trust, y, x, v, u, pull, np.float32(np.inf))
        for stride in (1, 4):
            for dy, dx in ((-stride, 0), (stride, 0), (0, -stride), (0, stride)):
                if 0 <= y + dy < h and 0 <= x + dx < w and field[y + dy, x + dx, 0] >= 0:
                    a, b = field[y + dy, x + dx, 0] - dy, field[y + dy, x + dx, 1] - dx
                    if 0 <= a < h and 0 <= b < w and usable[a, b]:
                        candidate = _cost(image, trust, y, x, a, b, pull, best)
                        if candidate < best:
                            v, u, best = a, b, candidate
        radius, k = float(reach), 0
        while radius >= 1:
            a = v + round((2 * _random(seed, y * w + x, 2 * k) - 1) * radius)
            b = u + round((2 * _random(seed, y * w + x, 2 * k + 1) - 1) * radius)
            if 0 <= a < h and 0 <= b < w and usable[a, b]:
                candidate = _cost(image, trust, y, x, a, b, pull, best)
                if candidate < best:
                    v, u, best = a, b, candidate
            radius *= 0.5
            k += 1
        found[y, x, 0], found[y, x, 1], found_cost[y, x] = v, u, best
    return found, found_cost


@kernel(parallel=True)
def vote(image, rows, columns, field, weight):
    """Each listed pixel becomes the weighted mean of what the patches over it say."""
    h, w, channels = image.shape
    voted = image.copy()
    for i in numba.prange(rows.size):
        y, x = rows[i], columns[i]
        total = np.float32(0)
        colour = np.zeros(channels, np.float32)
        for dy in range(max(-RADIUS, -y), min(RADIUS, h - 1 - y) + 1):
            for dx in range(max(-RADIUS, -x), min(RADIUS, w - 1 - x) + 1):
                v, u = field[y + dy, x + dx, 0], field[y + dy, x + dx, 1]
                if v >= 0:
                    share = weight[y + dy, x + dx]
                    total += share
                    for c in range(channels):
                        colour[c] += share * image[v - dy, u - dx, c]
        for c in range(channels):
            voted[y, x, c] = colour[c] / total
    return voted
