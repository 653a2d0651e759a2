"""Three-vectors as tuples, which numba keeps in registers."""

import math

from numba import njit


@njit(inline="always")
def add(a, b):
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


@njit(inline="always")
def scale(a, s):
    return (a[0] * s, a[1] * s, a[2] * s)


@njit(inline="always")
def mul(a, b):
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])


@njit(inline="always")
def along(o, d, t):
    """The point o + t d."""
    return (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])


@njit(inline="always")
def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(inline="always")
def unit(a):
    return scale(a, 1 / math.sqrt(dot(a, a)))


@njit(inline="always")
def mix(a, b, s):
    """a at s = 0, b at s = 1."""
    return add(scale(a, 1 - s), scale(b, s))


@njit(inline="always")
def row(array, i):
    """Row i of an "n 3" array."""
    return (array[i, 0], array[i, 1], array[i, 2])


@njit(inline="always")
def transform(m, p, w):
    """The "3 4" matrix times (p, w): a point for w = 1, a direction for w = 0."""
    return (
        m[0, 0] * p[0] + m[0, 1] * p[1] + m[0, 2] * p[2] + m[0, 3] * w,
        m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3] * w,
        m[2, 0] * p[0] + m[2, 1] * p[1] + m[2, 2] * p[2] + m[2, 3] * w,
    )
