"""Objects in front of the room: of another color than the surface behind them, and cut by the lower border."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

TOUCH = 0.5
"""Minimum fraction of an object's columns in which it reaches the lower border."""
MIN_AREA, MAX_AREA, MIN_SOLIDITY = 0.012, 0.2, 0.84
"""Fraction of the picture, and of the convex hull; smaller, larger or more ragged objects stay part of the room."""
MIN_SURFACE = 0.02
"""A surface of the room that covers less than this fraction of the picture has no color of its own."""
ROUNDING = 0.015
"""Gaps and spurs narrower than twice this fraction of the width are closed and removed."""
USUAL_HEIGHT = 0.4
"""Height of such objects (chairs, tables) in heights of the camera; their distance follows from it."""


def find_foreground(
    regions: Int[ndarray, "h w"], surfaces: Int[ndarray, "h w"], below_horizon: Bool[ndarray, "h w"]
) -> list[Bool[ndarray, "h w"]]:
    """One compact mask per object.

    Its regions are below the horizon and reach the lower border, and none is the largest region on a surface of the
    room, as that one is the surface itself. Regions that an object mostly encloses belong to it.
    """
    n = regions.max() + 1
    hidden = np.bincount(regions[~below_horizon], minlength=n) > 0
    for surface in np.nonzero(np.bincount(surfaces.ravel()) > MIN_SURFACE * surfaces.size)[0]:
        hidden[np.bincount(regions[surfaces == surface]).argmax()] = True
    columns = np.array([(regions == r).any(0).sum() for r in range(n)])
    touching = np.bincount(regions[-1], minlength=n) >= TOUCH * columns
    mask = (touching & ~hidden)[regions]
    for r in np.nonzero(~hidden & ~touching)[0]:
        if _mostly_inside(regions == r, mask):
            mask |= regions == r
    return [blob for blob in _blobs(_rounded(mask)) if _is_compact(blob)]


def _mostly_inside(region: ndarray, mask: ndarray) -> bool:
    """Whether the mask covers more than half of the ring around a region, counting the picture's border as covered."""
    grown = cv2.dilate(np.pad(region, 1).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    ring = grown & ~np.pad(region, 1)
    enclosed = np.pad(mask, 1, constant_values=True)[ring].mean() > 0.5
    return bool(enclosed and mask[ring[1:-1, 1:-1]].any())


def _rounded(mask: Bool[ndarray, "h w"]) -> Bool[ndarray, "h w"]:
    size = 2 * round(ROUNDING * mask.shape[1]) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    padded = np.pad(mask.astype(np.uint8), size, mode="edge")
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc)
    return cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc)[size:-size, size:-size].astype(bool)


def _blobs(mask: Bool[ndarray, "h w"]) -> list[Bool[ndarray, "h w"]]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return [labels == label for label in range(1, count)]


def _is_compact(blob: Bool[ndarray, "h w"]) -> bool:
    hull = cv2.convexHull(np.argwhere(blob).astype(np.float32))
    return MIN_AREA < blob.mean() < MAX_AREA and blob.sum() > MIN_SOLIDITY * cv2.contourArea(hull)


def stand(z: Float[ndarray, "h w"], floor_z: Float[ndarray, "h w"], thing: Bool[ndarray, "h w"]) -> float:
    """Depth of an object of the usual height, in front of the surface that it covers and of the floor at its foot."""
    columns = np.nonzero(thing.any(0))[0]
    top = thing.argmax(0)[columns]
    bottom = thing.shape[0] - 1 - thing[::-1].argmax(0)[columns]
    by_height = (1 - USUAL_HEIGHT) * np.quantile(floor_z[top, columns], 0.3)
    return float(min(by_height, np.median(z[bottom, columns])))
