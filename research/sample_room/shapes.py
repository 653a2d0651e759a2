"""Unit shapes under affine transforms, met by rays through a bounding-box hierarchy.

A ray is carried into the shape's own space with its direction unnormalised, so the parameter t needs no conversion.
World axes: x right, y up, z towards the viewer; metres.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from sample_room.vec import along, dot, mul, row, scale, transform, unit

BOX, SPHERE, FRUSTUM, TUBE, ROUNDED = range(5)
"""Cube [-1, 1]^3; unit sphere; capped cone from radius 1 at y = -1 to `taper` at y = 1; the same without caps; box with
rounded edges (its transform is rigid, its half sizes and the radius of its edges are stored beside it)."""
_EPS = 1e-9
_FAR = 1e30


class Solids(NamedTuple):
    """All shapes of a room in the order of their hierarchy; n shapes, m nodes."""

    kind: np.ndarray  # n
    local_from_world: np.ndarray  # n 3 4
    half_size: np.ndarray  # n 3, metres: turns local coordinates into metric ones for the textures
    shape: np.ndarray  # n, taper of FRUSTUM and TUBE, radius in metres of ROUNDED
    material: np.ndarray  # n
    node_low: np.ndarray  # m 3
    node_high: np.ndarray  # m 3
    node_skip: np.ndarray  # m, the next node when this one's box is missed
    node_first: np.ndarray  # m, first shape of a leaf
    node_count: np.ndarray  # m, shapes of a leaf, 0 in an inner node


@njit
def _hit_box(o, d):
    near, far, axis = -_FAR, _FAR, 0
    for i in range(3):
        inverse = 1 / (d[i] if abs(d[i]) > _EPS else _EPS)
        a, b = (-1 - o[i]) * inverse, (1 - o[i]) * inverse
        if min(a, b) > near:
            near, axis = min(a, b), i
        far = min(far, max(a, b))
    if near > far or near < _EPS:
        return _FAR, o
    return near, (1.0 if axis == 0 else 0.0, 1.0 if axis == 1 else 0.0, 1.0 if axis == 2 else 0.0)


@njit
def _hit_sphere(o, d):
    a, b, c = dot(d, d), dot(o, d), dot(o, o) - 1
    root = b * b - a * c
    if root < 0:
        return _FAR, o
    t = (-b - math.sqrt(root)) / a
    if t < _EPS:
        t = (-b + math.sqrt(root)) / a
    return (t, along(o, d, t)) if t > _EPS else (_FAR, o)


@njit
def _hit_frustum(o, d, taper, capped):
    slope, middle = (taper - 1) / 2, (taper + 1) / 2  # radius(y) = middle + slope y
    r, dr = middle + slope * o[1], slope * d[1]
    a = d[0] * d[0] + d[2] * d[2] - dr * dr
    b = o[0] * d[0] + o[2] * d[2] - r * dr
    c = o[0] * o[0] + o[2] * o[2] - r * r
    best, n = _FAR, (0.0, 0.0, 0.0)
    root = b * b - a * c
    if root > 0 and abs(a) > 1e-12:
        for sign in (-1.0, 1.0):
            t = (-b + sign * math.sqrt(root)) / a
            p = along(o, d, t)
            if _EPS < t < best and abs(p[1]) <= 1:
                best, n = t, (p[0], -slope * (middle + slope * p[1]), p[2])
    if capped and abs(d[1]) > _EPS:
        for side in (-1.0, 1.0):
            t = (side - o[1]) / d[1]
            x, z, radius = o[0] + t * d[0], o[2] + t * d[2], middle + slope * side
            if _EPS < t < best and x * x + z * z < radius * radius:
                best, n = t, (0.0, side, 0.0)
    return best, n


@njit
def _rounded_distance(p, half, radius):
    """Signed distance to a box with rounded edges."""
    x, y, z = abs(p[0]) - half[0] + radius, abs(p[1]) - half[1] + radius, abs(p[2]) - half[2] + radius
    outside = math.sqrt(max(x, 0.0) ** 2 + max(y, 0.0) ** 2 + max(z, 0.0) ** 2)
    return outside + min(max(x, y, z), 0.0) - radius


@njit
def _rounded_gradient(p, half, radius):
    h = 1e-4
    here = _rounded_distance(p, half, radius)
    return (
        _rounded_distance((p[0] + h, p[1], p[2]), half, radius) - here,
        _rounded_distance((p[0], p[1] + h, p[2]), half, radius) - here,
        _rounded_distance((p[0], p[1], p[2] + h), half, radius) - here,
    )


@njit
def _hit_rounded(o, d, half, radius):
    """Sphere tracing between entry into the bounding box and exit; `d` is a unit vector, for the pose is rigid."""
    inverse_half = (1 / half[0], 1 / half[1], 1 / half[2])
    t, _ = _hit_box(mul(o, inverse_half), mul(d, inverse_half))
    if t == _FAR:
        return _FAR, o
    t_last = t + 2 * math.sqrt(dot(half, half))
    for _ in range(80):
        p = along(o, d, t)
        distance = _rounded_distance(p, half, radius)
        if distance < 1e-5:
            return t, _rounded_gradient(p, half, radius)
        t += distance
        if t > t_last:
            break
    return _FAR, o


@njit
def _hit_solid(solids, i, origin, direction):
    """Ray parameter and local normal of shape i."""
    pose = solids.local_from_world[i]
    o, d = transform(pose, origin, 1.0), transform(pose, direction, 0.0)
    kind = solids.kind[i]
    if kind == BOX:
        return _hit_box(o, d)
    if kind == SPHERE:
        return _hit_sphere(o, d)
    if kind == ROUNDED:
        return _hit_rounded(o, d, row(solids.half_size, i), solids.shape[i])
    return _hit_frustum(o, d, solids.shape[i], kind == FRUSTUM)


@njit
def _meets(solids, node, origin, inverse, t_max):
    near, far = 0.0, t_max
    for i in range(3):
        a = (solids.node_low[node, i] - origin[i]) * inverse[i]
        b = (solids.node_high[node, i] - origin[i]) * inverse[i]
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near <= far


@njit
def nearest(solids, origin, direction, t_max, ignored, any_hit):
    """Ray parameter, shape (-1: none) and local normal of the nearest hit, or of any; material `ignored` is air."""
    dx, dy, dz = direction
    inverse = (
        1 / (dx if abs(dx) > _EPS else _EPS),
        1 / (dy if abs(dy) > _EPS else _EPS),
        1 / (dz if abs(dz) > _EPS else _EPS),
    )
    best, shape, normal = t_max, -1, (0.0, 0.0, 0.0)
    node = 0
    while node < len(solids.node_skip):
        if not _meets(solids, node, origin, inverse, best):
            node = solids.node_skip[node]
            continue
        first = solids.node_first[node]
        for i in range(first, first + solids.node_count[node]):
            if solids.material[i] != ignored:
                t, n = _hit_solid(solids, i, origin, direction)
                if t < best:
                    best, shape, normal = t, i, n
                    if any_hit:
                        return best, shape, normal
        node += 1
    return best, shape, normal


@njit
def world_normal(solids, i, local_normal, direction):
    """Unit normal in the world, on the side that the ray comes from."""
    m, n = solids.local_from_world[i], local_normal
    w = unit(
        (
            m[0, 0] * n[0] + m[1, 0] * n[1] + m[2, 0] * n[2],
            m[0, 1] * n[0] + m[1, 1] * n[1] + m[2, 1] * n[2],
            m[0, 2] * n[0] + m[1, 2] * n[1] + m[2, 2] * n[2],
        )
    )
    return scale(w, -1.0) if dot(w, direction) > 0 else w
