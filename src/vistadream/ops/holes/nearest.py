"""The known pixel nearest to each pixel of a picture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray


def nearest_known(known: Bool[ndarray, "h w"]) -> Int[ndarray, "h w 2"]:
    """Row and column of the known pixel nearest to each pixel, which for a known one is itself.

    At least one pixel has to be known. The distance is OpenCV's approximation on 5x5 masks (Borgefors 1986).
    """
    unknown = (~known).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(unknown, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    places = np.argwhere(known).astype(np.int32)
    order = np.empty(len(places) + 1, np.int64)
    order[labels[known]] = np.arange(len(places))
    return places[order[labels]]
