"""Aligns coarse masks with the edges of the picture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray


def follow_edges(
    mask: Bool[ndarray, "h w"], guide: Float[ndarray, "H W"], radius: float = 0.015, smoothness: float = 1e-4
) -> Bool[ndarray, "H W"]:
    """The mask at the guide's size, its outline moved to edges of the guide within `radius` (fraction of the width).

    Guided filter (He, Sun and Tang 2010) of the mask, thresholded at one half. Where the guide's variance is below
    `smoothness`, it counts as flat.
    """
    height, width = guide.shape
    size = 2 * max(1, round(radius * width)) + 1
    soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)

    def mean(x: ndarray) -> ndarray:
        return cv2.blur(x, (size, size), borderType=cv2.BORDER_REPLICATE)

    guide = guide.astype(np.float32)
    mean_guide, mean_mask = mean(guide), mean(soft)
    slope = (mean(guide * soft) - mean_guide * mean_mask) / (mean(guide * guide) - mean_guide**2 + smoothness)
    return mean(slope) * guide + mean(mean_mask - slope * mean_guide) > 0.5
