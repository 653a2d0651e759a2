"""The geometry of completion: scales of a picture, usable source patches, and patches that touch the hole."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from vistadream.backends.outpaint.patchmatch import RADIUS
from vistadream.ops.holes.nearest import nearest_known

PATCH = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)


def pyramid(
    rgb: Float[ndarray, "h w 3"], hole: Bool[ndarray, "h w"], half_width_px: float
) -> list[tuple[ndarray, ndarray]]:
    """The picture and its hole at halved sizes, until the hole is narrow or no completely known patch is left."""
    levels = [(rgb, hole)]
    while cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5).max() > half_width_px:
        rgb, hole = halve(rgb, hole)
        if not usable_centers(hole).any():
            break
        levels.append((rgb, hole))
    return levels


def halve(rgb: Float[ndarray, "h w 3"], hole: Bool[ndarray, "h w"]) -> tuple[ndarray, ndarray]:
    """2x2 means; a block with any hole pixel is hole."""
    even = [(0, n % 2) for n in hole.shape]
    rgb, hole = np.pad(rgb, [*even, (0, 0)], mode="edge"), np.pad(hole, even, mode="edge")
    mean = 0.25 * (rgb[::2, ::2] + rgb[1::2, ::2] + rgb[::2, 1::2] + rgb[1::2, 1::2])
    return mean, hole[::2, ::2] | hole[1::2, ::2] | hole[::2, 1::2] | hole[1::2, 1::2]


def double(field: Int[ndarray, "h w 2"]) -> Int[ndarray, "h2 w2 2"]:
    """The same sources at twice the resolution; each pixel keeps its position in its 2x2 block."""
    fine = 2 * field.repeat(2, 0).repeat(2, 1)
    fine[1::2, :, 0] += 1
    fine[:, 1::2, 1] += 1
    return fine


def usable_centers(hole: Bool[ndarray, "h w"]) -> Bool[ndarray, "h w"]:
    """Centers of patches that are inside the picture and completely known."""
    framed = np.pad(hole.astype(np.uint8), RADIUS, constant_values=1)
    return cv2.dilate(framed, PATCH)[RADIUS:-RADIUS, RADIUS:-RADIUS] == 0


def touching(hole: Bool[ndarray, "h w"]) -> Bool[ndarray, "h w"]:
    """Centers of patches that touch the hole."""
    return cv2.dilate(hole.astype(np.uint8), PATCH) > 0


def snap(field: Int[ndarray, "h w 2"], usable: Bool[ndarray, "h w"]) -> Int[ndarray, "h w 2"]:
    """The field with each source moved to the nearest usable one."""
    h, w = usable.shape
    return nearest_known(usable)[np.clip(field[..., 0], 0, h - 1), np.clip(field[..., 1], 0, w - 1)]
