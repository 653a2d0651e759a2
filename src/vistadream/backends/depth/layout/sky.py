"""The sky: pixels that are bright, smooth, mostly blue, above the horizon and connected to the picture's top."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

MIN_AREA, MIN_BLUE = 0.03, 0.3
"""A smooth region is sky if it covers this fraction of the picture and this fraction of it is clearly blue."""

ALIKE = 0.06
"""Maximum difference of a color channel from the mean of nearby sky pixels."""


def find_sky(rgb: Float[ndarray, "h w 3"], above_horizon: Bool[ndarray, "h w"]) -> Bool[ndarray, "h w"]:
    """Sky pixels. Overcast and red skies are left out on purpose: white walls and ceilings look the same."""
    smooth_rgb = cv2.GaussianBlur(rgb, (0, 0), 1.5)
    slope = np.maximum(
        *(np.abs(cv2.Sobel(smooth_rgb, cv2.CV_32F, *d, ksize=3, scale=0.25)).max(-1) for d in ((1, 0), (0, 1)))
    )
    red, blue = smooth_rgb[..., 0], smooth_rgb[..., 2]
    candidate = (slope < 0.02) & (blue > 0.4) & (blue > red - 0.15) & above_horizon
    _, labels = cv2.connectedComponents(candidate.astype(np.uint8), connectivity=4)
    sky = np.zeros(candidate.shape, bool)
    for label in np.setdiff1d(np.unique(labels[: max(1, len(labels) // 50)]), [0]):
        region = labels == label
        if region.mean() > MIN_AREA and ((blue - red)[region] > 0.06).mean() > MIN_BLUE:
            sky |= region
    return _grown(sky, rgb) & above_horizon


def _grown(sky: Bool[ndarray, "h w"], rgb: Float[ndarray, "h w 3"]) -> Bool[ndarray, "h w"]:
    """The sky extended by its rim, which the smoothing removed, and by adjacent pixels of a similar color."""
    size = 2 * max(2, round(0.008 * sky.shape[1])) + 1
    for _ in range(8):
        weight = sky.astype(np.float32)
        share = cv2.blur(weight, (size, size))
        color = cv2.blur(rgb * weight[..., None], (size, size)) / np.maximum(share, 1e-6)[..., None]
        sky = sky | ((share > 1e-3) & (np.abs(rgb - color).max(-1) < ALIKE))
    return cv2.morphologyEx(sky.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)).astype(bool)
