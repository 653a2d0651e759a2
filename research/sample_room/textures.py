"""Procedural patterns: metric local coordinates of a surface to linear reflectance."""

from __future__ import annotations

import math

from numba import njit

from sample_room.vec import mix, scale

PLAIN, PLANKS, WOOD, WEAVE, PLASTER, RUG, ARCHES, HILLS, STRIPES, LEAF, SPINE, SKY, CHECK = range(13)
_LOW_BITS = 0xFFFFFFFF


@njit
def _hash(x, y, z):
    """A number in [0, 1) for each integer point."""
    h = (x * 73856093 & _LOW_BITS) ^ (y * 19349663 & _LOW_BITS) ^ (z * 83492791 & _LOW_BITS)
    h = (h ^ (h >> 13)) * 1274126177
    h = ((h ^ (h >> 16)) & _LOW_BITS) * 668265263
    return ((h ^ (h >> 15)) & _LOW_BITS) / 4294967296.0


@njit
def noise(x, y, z):
    """Value noise in [0, 1], smooth, with features of size 1."""
    ix, iy, iz = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - ix, y - iy, z - iz
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for dx in range(2):
        for dy in range(2):
            for dz in range(2):
                weight = (u if dx else 1 - u) * (v if dy else 1 - v) * (w if dz else 1 - w)
                total += weight * _hash(int(ix) + dx, int(iy) + dy, int(iz) + dz)
    return total


@njit
def fbm(x, y, z):
    """Four octaves of noise, in [0, 1]."""
    total, weight = 0.0, 0.5
    for _ in range(4):
        total += weight * noise(x, y, z)
        x, y, z, weight = 2.03 * x + 7.1, 2.03 * y + 3.7, 2.03 * z + 1.3, weight / 2
    return total / 0.9375


@njit
def _step(low, high, x):
    s = min(max((x - low) / (high - low), 0.0), 1.0)
    return s * s * (3 - 2 * s)


@njit
def _grain(a, b, along, across, seed):
    """Wood: long fibres with darker growth rings."""
    rings = math.sin(38 * across + 9 * fbm(0.9 * along, 5 * across, seed)) * 0.5 + 0.5
    fibres = fbm(4 * along, 160 * across, seed + 5)
    return mix(a, b, 0.45 * rings + 0.55 * fibres)


@njit
def _planks(a, b, p):
    """Floor boards along z, each with its own tone, with dark joints."""
    width, length = 0.14, 1.3
    board = math.floor(p[0] / width)
    shifted = p[2] + length * _hash(int(board), 3, 1)
    end = math.floor(shifted / length)
    tone = _hash(int(board), int(end), 7)
    u, v = p[0] / width - board, shifted / length - end
    color = scale(_grain(a, b, p[2] + 5 * tone, p[0], 31 * tone), 0.78 + 0.4 * tone)
    joint = min(min(u, 1 - u) * width, min(v, 1 - v) * length)
    return scale(color, 0.45 + 0.55 * _step(0.0004, 0.0022, joint))


@njit
def _weave(a, b, p):
    """Coarse cloth: over and under threads, worn a little."""
    x, y = p[0] + 0.3 * p[2], p[1] + 0.7 * p[2]
    threads = 0.5 + 0.25 * math.sin(900 * x) + 0.25 * math.sin(900 * y)
    worn = fbm(9 * p[0], 9 * p[1], 9 * p[2])
    fluff = fbm(60 * x, 60 * y, 20 * p[2])
    return mix(a, b, min(max(0.35 * threads + 0.4 * fluff + 0.5 * (worn - 0.4), 0.0), 1.0))


@njit
def _rug(a, b, p, half):
    """A field of diamonds within two borders; `a` is the ground, `b` the figure."""
    edge = min(half[0] - abs(p[0]), half[2] - abs(p[2]))
    warm, dark = (0.42, 0.12, 0.055), (0.035, 0.05, 0.085)
    u, v = abs((p[0] / 0.42) % 1.0 - 0.5), abs((p[2] / 0.42) % 1.0 - 0.5)
    ring = u + v
    color = a
    if ring < 0.14:
        color = warm
    elif 0.22 < ring < 0.29:
        color = dark
    elif 0.38 < ring < 0.43:
        color = b
    if edge < 0.2:
        color = a if edge > 0.17 or edge < 0.03 else dark
        if 0.06 < edge < 0.14:
            along = p[2] if half[0] - abs(p[0]) < half[2] - abs(p[2]) else p[0]
            color = b if (along / 0.08) % 1.0 < 0.5 else warm
    pile = fbm(120 * p[0], 3.0, 120 * p[2])
    return scale(color, 0.62 + 0.6 * pile + 0.12 * (noise(4 * p[0], 1.0, 4 * p[2]) - 0.5))


@njit
def _arches(p, half):
    """A print: nested arches under a sun, on cream paper."""
    x, y = p[0] / half[0], p[1] / half[0]
    paper = (0.80, 0.74, 0.62)
    color = paper
    inks = ((0.55, 0.16, 0.07), (0.72, 0.36, 0.12), (0.10, 0.22, 0.24), (0.75, 0.55, 0.35))
    r = math.hypot(x - 0.12, max(y + 0.35, 0.0))
    band = math.floor(r / 0.155)
    if band < 4 and y > -0.95 and r - band * 0.155 > 0.025:
        color = inks[band]
    if math.hypot(x + 0.42, y - 0.78) < 0.2:
        color = (0.78, 0.30, 0.08)
    return scale(color, 0.9 + 0.2 * fbm(90 * p[0], 90 * p[1], 2.0)) if abs(x) < 0.9 else paper


@njit
def _hills(p, half):
    """A print: misty ranges at dusk."""
    x, y = p[0] / half[0], p[1] / half[1]
    color = mix((0.86, 0.52, 0.30), (0.24, 0.36, 0.46), _step(-0.3, 1.0, y))
    if math.hypot(x - 0.35, (y - 0.38) * half[1] / half[0]) < 0.16:
        color = (0.95, 0.80, 0.55)
    for i in range(5):
        ridge = 0.18 - 0.27 * i + 0.5 * (fbm(1.3 * x * (1 + 0.3 * i) + 9 * i, 0.0, 4.0 + i) - 0.5)
        if y < ridge:
            color = mix((0.42, 0.38, 0.40), (0.025, 0.06, 0.07), i / 4)
    return color


@njit
def _leaf(a, b, p, half):
    """A midrib and side veins, lighter than the blade."""
    across = abs(p[2]) / half[2]
    vein = abs(((p[0] / half[0]) * 6 - across * 1.6) % 1.0 - 0.5)
    light = max(_step(0.12, 0.03, across), 0.6 * _step(0.40, 0.5, vein))
    return mix(a, b, 0.75 * light + 0.25 * fbm(30 * p[0], 1.0, 30 * p[2]))


@njit
def _spine(a, b, p, half):
    """A book's back: bands near head and foot, and a block where the title stands."""
    y = p[1] / half[1]
    band = 0.74 < abs(y) < 0.80
    title = abs(y) < 0.42 and abs(p[2]) < 0.45 * half[2] and noise(3.0, 220 * p[1], 400 * p[2]) > 0.5
    color = b if band or title else a
    return scale(color, 0.85 + 0.3 * fbm(60 * p[0], 60 * p[1], 60 * p[2]))


@njit
def _sky(a, b, p, half):
    """What an overexposed window shows: sky over blurred trees."""
    y = p[1] / half[1]
    trees = -0.35 + 0.5 * (fbm(1.7 * p[2], 0.5, 9.0) - 0.5)
    return mix(b, a, _step(trees - 0.25, trees + 0.3, y))


@njit
def reflectance(texture, a, b, p, half):
    """Linear RGB at the metric local point `p` of a shape of half size `half`."""
    if texture == PLANKS:
        return _planks(a, b, p)
    if texture == WOOD:
        longest = 0 if half[0] >= half[1] and half[0] >= half[2] else (1 if half[1] >= half[2] else 2)
        return _grain(a, b, p[longest], p[(longest + 1) % 3] + 0.7 * p[(longest + 2) % 3], half[0] * 17)
    if texture == WEAVE:
        return _weave(a, b, p)
    if texture == PLASTER:
        coarse, fine = fbm(5 * p[0], 5 * p[1], 5 * p[2]), noise(60 * p[0], 60 * p[1], 60 * p[2])
        return scale(a, 0.95 + 0.05 * coarse + 0.03 * fine)
    if texture == RUG:
        return _rug(a, b, p, half)
    if texture == ARCHES:
        return _arches(p, half)
    if texture == HILLS:
        return _hills(p, half)
    if texture == STRIPES:
        return scale(b if (p[0] / 0.055) % 1.0 < 0.42 else a, 0.8 + 0.4 * fbm(80 * p[0], 80 * p[1], 80 * p[2]))
    if texture == LEAF:
        return _leaf(a, b, p, half)
    if texture == SPINE:
        return _spine(a, b, p, half)
    if texture == SKY:
        return _sky(a, b, p, half)
    if texture == CHECK:
        cell = math.floor(p[0] / 0.06) + math.floor(p[1] / 0.06)
        return scale(b if cell % 2 else a, 0.8 + 0.4 * fbm(80 * p[0], 80 * p[1], 1.0))
    return a
