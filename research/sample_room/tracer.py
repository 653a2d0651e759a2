"""A path tracer: cosine-sampled bounces, a clear coat, and light drawn from the windows and the sun at every bounce."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from sample_room.build import Material
from sample_room.shapes import ROUNDED, nearest, world_normal
from sample_room.textures import reflectance
from sample_room.vec import add, along, dot, mul, row, scale, transform, unit

_BOUNCES = 7
_BRIGHTEST = 12.0
"""Bound on what one bounced path may add, against lone bright pixels."""
_LIFT = 2e-4
"""Rays start this far off the surface, in metres."""
_SUN_SPREAD = 0.006
"""Radius of the sun's disc in radians, half as much again as the real one, for soft edges."""

_STRIDES = np.sqrt(np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71.0])) % 1
"""Steps of the sampling sequence, one a dimension: fractional parts of roots of primes, which are incommensurable."""


class Surfaces(NamedTuple):
    """Materials as columns."""

    color: np.ndarray
    texture: np.ndarray
    second: np.ndarray
    gloss: np.ndarray
    roughness: np.ndarray
    emission: np.ndarray


class Lights(NamedTuple):
    """What is sampled directly: upright windows that face +x, and the sun behind them."""

    window_center: np.ndarray  # k 3
    window_half: np.ndarray  # k 2, along y and z
    window_material: int
    sun: np.ndarray  # 2 3, the unit direction to it, and its irradiance


class Eye(NamedTuple):
    """A pinhole camera; the rows of `frame` are its right, up and backward directions and its position."""

    frame: np.ndarray  # 4 3
    focal: float  # pixels
    width: int
    height: int


def surfaces(materials: list[Material]) -> Surfaces:
    """The materials as columns, in their order."""
    return Surfaces(*(np.array(column) for column in zip(*materials, strict=True)))


def look(position, target, focal: float, width: int, height: int) -> Eye:
    """An upright camera at `position` looking at `target`."""
    backward = np.array(position, float) - np.array(target, float)
    backward /= np.linalg.norm(backward)
    right = np.cross([0.0, 1, 0], backward)
    right /= np.linalg.norm(right)
    return Eye(np.stack([right, np.cross(backward, right), backward, position]), focal, width, height)


@njit
def _draw(i, shift, dimension, bounce):
    """A number in [0, 1): a shifted Kronecker sequence over the samples of a pixel at first, random later on."""
    if bounce > 1:
        return np.random.random()
    d = dimension + 9 * bounce
    return (shift[d] + (i + 1) * _STRIDES[d]) % 1.0


@njit
def _basis(n):
    """Two unit vectors that complete `n` to a frame (Duff et al. 2017)."""
    sign = math.copysign(1.0, n[2])
    a = -1 / (sign + n[2])
    b = n[0] * n[1] * a
    return (1 + sign * n[0] * n[0] * a, sign * b, -sign * n[0]), (b, sign + n[1] * n[1] * a, -n[1])


@njit
def _tilted(n, radius, angle, depth):
    s, t = _basis(n)
    x, y = radius * math.cos(angle), radius * math.sin(angle)
    return unit(add(add(scale(s, x), scale(t, y)), scale(n, depth)))


@njit
def _paint(solids, surfaces, shape, point):
    """Reflectance of a shape at a world point."""
    m = solids.material[shape]
    half = row(solids.half_size, shape)
    local = transform(solids.local_from_world[shape], point, 1.0)
    metric = local if solids.kind[shape] == ROUNDED else mul(local, half)
    return reflectance(surfaces.texture[m], row(surfaces.color, m), row(surfaces.second, m), metric, half)


@njit
def _sunlight(solids, lights, point, normal, i, shift, bounce):
    u, v = _draw(i, shift, 5, bounce), _draw(i, shift, 6, bounce)
    toward = _tilted(row(lights.sun, 0), _SUN_SPREAD * math.sqrt(u), 2 * math.pi * v, 1.0)
    cosine = dot(toward, normal)
    if cosine <= 0 or nearest(solids, point, toward, 1e9, lights.window_material, True)[1] >= 0:
        return (0.0, 0.0, 0.0)
    return scale(row(lights.sun, 1), cosine / math.pi)


@njit
def _windowlight(solids, surfaces, lights, point, normal, i, shift, bounce):
    """Light from one window, drawn at random, by a random point on it."""
    which, u, v = _draw(i, shift, 4, bounce), _draw(i, shift, 7, bounce), _draw(i, shift, 8, bounce)
    count = len(lights.window_center)
    window = min(int(which * count), count - 1)
    half_y, half_z = lights.window_half[window, 0], lights.window_half[window, 1]
    offset_y, offset_z = (2 * u - 1) * half_y, (2 * v - 1) * half_z
    center = row(lights.window_center, window)
    to_light = add(center, (-point[0], offset_y - point[1], offset_z - point[2]))
    squared = dot(to_light, to_light)
    distance = math.sqrt(squared)
    toward = scale(to_light, 1 / distance)
    cosine = dot(toward, normal)
    if cosine <= 0 or toward[0] >= 0:
        return (0.0, 0.0, 0.0)
    if nearest(solids, point, toward, distance - 1e-3, lights.window_material, True)[1] >= 0:
        return (0.0, 0.0, 0.0)
    m = lights.window_material
    offset, half = (0.0, offset_y, offset_z), (0.0, half_y, half_z)
    seen = reflectance(surfaces.texture[m], row(surfaces.color, m), row(surfaces.second, m), offset, half)
    area = 4 * half_y * half_z * count
    return scale(seen, surfaces.emission[m] * cosine * -toward[0] * area / squared / math.pi)


@njit
def _radiance(solids, surfaces, lights, origin, direction, i, shift):
    """Light along a ray, with the first surface's reflectance and normal for the denoiser."""
    light, carried = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    first_color, first_normal = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    sees_windows = True
    for bounce in range(_BOUNCES):
        t, shape, local_normal = nearest(solids, origin, direction, 1e9, -1, False)
        if shape < 0:
            break
        m = solids.material[shape]
        point = along(origin, direction, t)
        normal = world_normal(solids, shape, local_normal, direction)
        color = _paint(solids, surfaces, shape, point)
        if bounce == 0:
            first_color, first_normal = color, normal
        if surfaces.emission[m] > 0 and (sees_windows or m != lights.window_material):
            shone = mul(carried, scale(color, surfaces.emission[m]))
            light = add(light, shone if bounce == 0 else _bounded(shone))
        if m == lights.window_material:
            break
        origin = along(point, normal, _LIFT)
        cosine = -dot(direction, normal)
        # Only what the eye sees, also by mirrors, has its coat: a diffuse bounce into a mirror lights single pixels.
        coat = surfaces.gloss[m] * (0.04 + 0.96 * (1 - min(cosine, 1.0)) ** 5) if sees_windows else 0.0
        u, v = _draw(i, shift, 2, bounce), _draw(i, shift, 3, bounce)
        if _draw(i, shift, 4, bounce) < coat:
            sees_windows = True
            mirrored = along(direction, normal, 2 * cosine)
            direction = _tilted(mirrored, surfaces.roughness[m] * math.sqrt(u), 2 * math.pi * v, 1.0)
            if dot(direction, normal) <= 0:
                break
            continue
        sees_windows = False
        carried = mul(carried, color)
        direct = add(
            _sunlight(solids, lights, origin, normal, i, shift, bounce),
            _windowlight(solids, surfaces, lights, origin, normal, i, shift, bounce),
        )
        arrived = mul(carried, direct)
        light = add(light, arrived if bounce == 0 else _bounded(arrived))
        survival = 1.0 if bounce < 2 else min(max(carried[0], carried[1], carried[2]), 0.95)
        if np.random.random() >= survival:
            break
        carried = scale(carried, 1 / survival)
        direction = _tilted(normal, math.sqrt(u), 2 * math.pi * v, math.sqrt(1 - u))
    return light, first_color, first_normal


@njit
def _bounded(light):
    brightest = max(light[0], light[1], light[2])
    return scale(light, _BRIGHTEST / brightest) if brightest > _BRIGHTEST else light


@njit
def ray(eye, u, v):
    """Unit direction through the pixel coordinates (u, v), and its length when scaled to z = 1."""
    x, y = (u - eye.width / 2) / eye.focal, (eye.height / 2 - v) / eye.focal
    right, up, back = row(eye.frame, 0), row(eye.frame, 1), row(eye.frame, 2)
    d = add(add(scale(right, x), scale(up, y)), scale(back, -1.0))
    length = math.sqrt(dot(d, d))
    return scale(d, 1 / length), length


@njit
def z_depth(solids, eye):
    """Camera-space z in metres through every pixel centre "h w", 0 where nothing is met."""
    z = np.zeros((eye.height, eye.width))
    for y in range(eye.height):
        for x in range(eye.width):
            direction, length = ray(eye, x + 0.5, y + 0.5)
            t, shape, _ = nearest(solids, row(eye.frame, 3), direction, 1e9, -1, False)
            if shape >= 0:
                z[y, x] = t / length
    return z


@njit(parallel=True)
def trace(solids, surfaces, lights, eye, samples, seed):
    """Mean radiance "h w 3", variance of its brightness "h w", the first surface's reflectance and normal "h w 3"."""
    shape = (eye.height, eye.width, 3)
    light, color, normal = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    variance = np.zeros(shape[:2])
    for y in prange(eye.height):
        for x in range(eye.width):
            np.random.seed(seed + y * eye.width + x)
            shift = np.random.random(len(_STRIDES))
            squares = 0.0
            for i in range(samples):
                direction, _ = ray(eye, x + _draw(i, shift, 0, 0), y + _draw(i, shift, 1, 0))
                got = _radiance(solids, surfaces, lights, row(eye.frame, 3), direction, i, shift)
                squares += ((got[0][0] + got[0][1] + got[0][2]) / 3) ** 2
                for c in range(3):
                    light[y, x, c] += got[0][c] / samples
                    color[y, x, c] += got[1][c] / samples
                    normal[y, x, c] += got[2][c] / samples
            variance[y, x] = max(squares / samples - light[y, x].mean() ** 2, 0.0) / samples
    return light, variance, color, normal
