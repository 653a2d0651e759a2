"""Where the depth maps of photos agree: a depth is projected into a neighbor and compared with the depth there."""

from __future__ import annotations

from functools import partial

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from vistadream.ops.numerics.jit import kernel
from vistadream.ops.numerics.threads import over_range
from vistadream.ops.sweep.eye import Eye, relative_pose


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
