"""Straight line segments of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

MAX_SEGMENTS = 400
"""Only the longest are kept; more would only cost time."""


@dataclass(frozen=True)
class Segments:
    """n line segments."""

    ends_px: Float[ndarray, "n 2 2"]
    """Start and end in pixel coordinates (centers at +0.5)."""

    @property
    def lengths_px(self) -> Float[ndarray, "n"]:
        """Length in pixels."""
        return np.linalg.norm(self.ends_px[:, 1] - self.ends_px[:, 0], axis=-1)

    def subset(self, index: ndarray) -> Segments:
        """The segments that a mask or an index selects."""
        return Segments(self.ends_px[index])


def find_segments(gray: UInt8[ndarray, "h w"], min_length: float = 0.03) -> Segments:
    """The longest segments of LSD (von Gioi et al. 2010) above `min_length` of the picture's diagonal."""
    found = cv2.createLineSegmentDetector().detect(gray)[0]
    ends_px = np.zeros((0, 2, 2)) if found is None else found.reshape(-1, 2, 2).astype(np.float64) + 0.5
    segments = Segments(ends_px)
    order = np.argsort(-segments.lengths_px, kind="stable")[:MAX_SEGMENTS]
    segments = segments.subset(order)
    return segments.subset(segments.lengths_px >= min_length * np.hypot(*gray.shape))
