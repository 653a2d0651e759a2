"""Slightly changed copies of a picture, in which the layout is found independently."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray


@dataclass(frozen=True)
class Copy:
    """A copy that is mirrored, has lost a border, and is scaled, in this order."""

    mirrored: bool = False
    border: float = 0.0
    """Lost on each side, as a fraction of that side."""
    scale: float = 1.0

    def picture(self, rgb: UInt8[ndarray, "h w 3"]) -> UInt8[ndarray, "H W 3"]:
        """The copy of a picture."""
        height, width = rgb.shape[:2]
        top, left = round(self.border * height), round(self.border * width)
        copy = (rgb[:, ::-1] if self.mirrored else rgb)[top : height - top, left : width - left]
        size = (round(copy.shape[1] * self.scale), round(copy.shape[0] * self.scale))
        return cv2.resize(np.ascontiguousarray(copy), size, interpolation=cv2.INTER_AREA)

    def intrinsics(self, K: Float[ndarray, "3 3"], width: int, height: int) -> Float[ndarray, "3 3"]:
        """The intrinsics of the copy of a picture with intrinsics K and this size in pixels."""
        moved = self.mirrored_intrinsics(K, width)
        moved[:2, 2] -= round(self.border * width), round(self.border * height)
        moved[:2] *= self.scale
        return moved

    def mirrored_intrinsics(self, K: Float[ndarray, "3 3"], width: int) -> Float[ndarray, "3 3"]:
        """The intrinsics of the whole picture, mirrored if the copy is."""
        moved = K.copy()
        if self.mirrored:
            moved[0, 2] = width - K[0, 2]
        return moved


COPIES = (
    Copy(),
    Copy(border=0.02),
    Copy(border=0.025, scale=0.95),
    Copy(border=0.015, scale=0.92),
    Copy(mirrored=True, scale=0.9),
    Copy(mirrored=True, border=0.01),
    Copy(mirrored=True, border=0.02, scale=0.94),
    Copy(mirrored=True, border=0.03, scale=0.97),
)
