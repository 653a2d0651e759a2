"""Upsamples coarse maps to the picture's size, with edges aligned with those of the picture."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

FITTED_PX = 192
"""Long side of the copy of the picture on which the linear models are fitted."""
RADIUS = 0.04
"""Half the side of a window, as a fraction of the long side: about one pixel of the coarse maps and its neighbors."""
SMOOTHNESS = 1e-3
"""A window whose colors vary by less than the root of this counts as flat, and the maps stay smooth there."""
TEXTURE = 0.004
"""Half the side of the median filter that removes fine texture from the guide, as a fraction of the long side. Texture
on a slanted surface would become noise of its depth."""
NEIGHBORS = np.ones((3, 3), np.uint8)
"""Coarse pixels that bound the value of a fine one."""


def follow_picture(coarse: Float[Tensor, "c h w"], rgb: Float[Tensor, "H W 3"]) -> Float[Tensor, "c H W"]:
    """Guided upsampling (He and Sun 2015, Fast Guided Filter): in each window, a map is a linear function of the color.

    The linear models are fitted on a small copy of the picture and evaluated on the picture without its fine texture.
    No value leaves the range of the coarse map around it.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, FITTED_PX / max(height, width))
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    guide = _without_texture(rgb)
    small = cv2.resize(guide, size, interpolation=cv2.INTER_AREA)
    radius = max(1, round(RADIUS * max(size)))
    maps = []
    for values in coarse.numpy().astype(np.float32):
        slope, offset = _linear_models(small, _resized(values, size), radius)
        fine = (_resized(slope, (width, height)) * guide).sum(-1) + _resized(offset, (width, height))
        lowest, highest = (_resized(extreme(values, NEIGHBORS), (width, height)) for extreme in (cv2.erode, cv2.dilate))
        maps.append(fine.clip(lowest, highest))
    return torch.from_numpy(np.stack(maps))


def _without_texture(rgb: Float[Tensor, "H W 3"]) -> Float[ndarray, "H W 3"]:
    """The picture after a median filter, which keeps its edges."""
    side = 2 * round(TEXTURE * max(rgb.shape[:2])) + 1
    levels = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return cv2.medianBlur(levels, side).astype(np.float32) / 255


def _resized(x: ndarray, size: tuple[int, int]) -> ndarray:
    return cv2.resize(x, size, interpolation=cv2.INTER_LINEAR)


def _linear_models(
    guide: Float[ndarray, "h w 3"], values: Float[ndarray, "h w"], radius: int
) -> tuple[Float[ndarray, "h w 3"], Float[ndarray, "h w"]]:
    """Slope and offset of `values` as a function of the color, the mean over all windows that contain a pixel."""

    def mean(x: ndarray) -> ndarray:
        return cv2.blur(x, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    middle, level = mean(guide), mean(values)
    products = (guide[..., :, None] * guide[..., None, :]).reshape(*guide.shape[:2], 9)
    spread = mean(products).reshape(*guide.shape[:2], 3, 3) - middle[..., :, None] * middle[..., None, :]
    along = mean(guide * values[..., None]) - middle * level[..., None]
    slope = np.linalg.solve(spread + SMOOTHNESS * np.eye(3, dtype=np.float32), along[..., None])[..., 0]
    return mean(slope), mean(level - (slope * middle).sum(-1))
