"""Where the depth maps of photos agree: a depth is projected into a neighbor and compared with the depth there."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from vistadream.ops.numerics.jit import kernel
from vistadream.ops.numerics.threads import over_range
from vistadream.ops.sweep.eye import Eye, relative_pose

_STEPS = 4
"""Depths are compared with those of adjacent pixels in steps of this part of the tolerance."""


def agrees(
    reference: Eye,
    z: Float32[ndarray, "h w"],
    source: Eye,
    source_z: Float32[ndarray, "hs ws"],
    tolerance: float,
    threads: int,
) -> Bool[ndarray, "h w"]:
    """Pixels of the reference whose depth is that of the source's map within `tolerance`, relative to the map.

    Compared is the map's pixel that the point falls into. A depth of 0 is unknown, and agrees with nothing.
    """
    pose = relative_pose(source, reference)
    to_pixels = source.K @ pose[:3, :3] @ np.linalg.inv(reference.K)
    shift = source.K @ pose[:3, 3]
    agreed = np.zeros(z.shape, np.bool_)
    over_range(threads, len(z), partial(_compare, z, to_pixels, shift, source_z, tolerance, agreed))
    return agreed


def without_speckles(
    trusted: Bool[ndarray, "h w"], z: Float32[ndarray, "h w"], tolerance: float, smallest: int
) -> Bool[ndarray, "h w"]:
    """The trusted pixels without islands of fewer than `smallest` pixels, which are mostly chance agreements.

    Two adjacent pixels belong together when their depths differ by no more than `tolerance`, relatively.
    """
    if not trusted.any():
        return trusted
    steps = np.log(np.where(trusted, z, 1)) * (_STEPS / tolerance)
    steps = np.clip(steps - steps[trusted].min() + 1, 1, np.iinfo(np.int16).max)
    islands = np.where(trusted, np.round(steps), 0).astype(np.int16)
    cv2.filterSpeckles(islands, 0, smallest - 1, _STEPS)
    return islands > 0


@kernel(nogil=True, error_model="numpy")
def _compare(z, to_pixels, shift, source_z, tolerance, agreed, first, last):
    height, width = source_z.shape
    for y in range(first, last):
        for x in range(z.shape[1]):
            if z[y, x] <= 0:
                continue
            # The third row of K is (0, 0, 1), so the third number is the depth in the source.
            a, b, c = x + 0.5, y + 0.5, z[y, x]
            u = (to_pixels[0, 0] * a + to_pixels[0, 1] * b + to_pixels[0, 2]) * c + shift[0]
            v = (to_pixels[1, 0] * a + to_pixels[1, 1] * b + to_pixels[1, 2]) * c + shift[1]
            depth = (to_pixels[2, 0] * a + to_pixels[2, 1] * b + to_pixels[2, 2]) * c + shift[2]
            if depth <= 0:
                continue
            column, row = np.floor(u / depth), np.floor(v / depth)
            if 0 <= column < width and 0 <= row < height:
                there = source_z[int(row), int(column)]
                agreed[y, x] = there > 0 and abs(depth - there) <= tolerance * there
