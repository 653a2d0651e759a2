"""The calm filler: the picture mirrored at the hole's rim, the blurrier the farther in. Seed of the patch search."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

BLUR_PER_PX = 0.15
"""Growth of the blur's sigma per pixel of distance from the rim."""


def mirror_points(hole: Bool[ndarray, "h w"]) -> tuple[Int[ndarray, "h w"], Int[ndarray, "h w"]]:
    """Row and column that each hole pixel mirrors to at its nearest known pixel (that pixel, where it meets hole)."""
    h, w = hole.shape
    _, labels = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE, labelType=cv2.DIST_LABEL_PIXEL
    )
    known_rows, known_columns = np.nonzero(~hole)
    order = np.empty(len(known_rows) + 1, np.int64)
    order[labels[known_rows, known_columns]] = np.arange(len(known_rows))
    nearest = order[labels]
    near_row, near_column = known_rows[nearest], known_columns[nearest]
    rows, columns = np.mgrid[:h, :w]
    row, column = 2 * near_row - rows, 2 * near_column - columns
    inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    usable = inside & ~hole[np.where(inside, row, 0), np.where(inside, column, 0)]
    return np.where(usable, row, near_row), np.where(usable, column, near_column)


def reflect_and_blur(rgb: Float[ndarray, "h w c"], hole: Bool[ndarray, "h w"]) -> Float[ndarray, "h w c"]:
    """`rgb` with its hole filled by mirroring and a blur that grows with the distance from the rim."""
    mirrored = rgb[mirror_points(hole)]
    sigma = BLUR_PER_PX * cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    filled, level = mirrored.copy(), 1.0
    while level / 2 < sigma.max():
        blurred = cv2.GaussianBlur(mirrored, (0, 0), level)
        share = np.clip(np.log2(np.maximum(sigma, 1e-3) / level) + 1, 0, 1)[..., None].astype(rgb.dtype)
        filled += share * (blurred - filled)
        level *= 2
    return np.where(hole[..., None], filled, rgb)
