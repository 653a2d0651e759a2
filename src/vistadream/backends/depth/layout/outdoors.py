"""Ground, and everything above it on one vertical curtain where the ground ends (after Hoiem et al. 2005)."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from vistadream.backends.depth.layout.regions import similar

FOOT, MIN_SHARE = 0.025, 0.05
"""Height of the strip along the lower border that shows ground (fraction of the height), and the minimum fraction of
the strip for a region to be ground."""
MAX_ABOVE = 0.15
"""Maximum fraction of a ground region above the horizon."""
MAX_DISTANCE, MAX_RATIO = 12.0, 2.0
"""Maximum distance of the curtain in heights of the camera, and maximum ratio of its farthest to its nearest part:
larger values would tear the curtain."""
WINDOW, SMOOTHING = 0.06, 0.05
"""Width of the median filter and standard deviation of the Gaussian along the curtain's foot, in picture widths."""


def find_ground(
    regions: Int[ndarray, "h w"], colors: Float[ndarray, "n 3"], below_horizon: Bool[ndarray, "h w"]
) -> Bool[ndarray, "h w"]:
    """The ground below the horizon: the regions along the lower border, and other regions of the same color."""
    n = len(colors)
    above = np.bincount(regions[~below_horizon], minlength=n) / np.bincount(regions.ravel(), minlength=n)
    strip = regions[-max(1, round(FOOT * len(regions))) :]
    foot = np.bincount(strip.ravel(), minlength=n) > MIN_SHARE * strip.size
    ground = (above < MAX_ABOVE) & similar(colors, foot & (above < MAX_ABOVE))
    mask = ground[regions] & below_horizon
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)).astype(bool)


def curtain_distance(ground: Bool[ndarray, "h w"], rays_room: Float[ndarray, "h w 3"]) -> Float[ndarray, "w"]:
    """Horizontal distance, in heights of the camera, at which the ground of each column ends (from below); smoothed."""
    height, width = ground.shape
    padded = np.concatenate([np.zeros((1, width), bool), ground])
    foot = (height - padded[::-1].argmin(0)).clip(0, height - 1)
    x, y, z = rays_room[foot, np.arange(width)].T
    distance = np.minimum(np.hypot(x, z) / np.maximum(y, 1e-6), MAX_DISTANCE)
    size = 2 * round(0.5 * WINDOW * width) + 1
    around = np.lib.stride_tricks.sliding_window_view(np.pad(distance, size // 2, mode="edge"), size)
    distance = np.median(around, axis=-1)
    distance = np.minimum(distance, MAX_RATIO * np.quantile(distance, 0.05))
    row = np.log(distance)[None]
    return np.exp(cv2.GaussianBlur(row, (0, 0), SMOOTHING * width, borderType=cv2.BORDER_REPLICATE))[0]


def cast_outdoors(distance: Float[ndarray, "w"], rays_room: Float[ndarray, "h W 3"]) -> Float[ndarray, "h W"]:
    """Ray parameter (in lengths of the ray) at which each ray meets the ground or the curtain."""
    columns = cv2.resize(distance[None], (rays_room.shape[1], 1), interpolation=cv2.INTER_LINEAR)
    curtain = columns / np.maximum(np.hypot(rays_room[..., 0], rays_room[..., 2]), 1e-6)
    return np.minimum(curtain, 1 / np.maximum(rays_room[..., 1], 1e-6))
