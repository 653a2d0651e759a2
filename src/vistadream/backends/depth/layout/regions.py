"""Regions of similar color, by the graph-based segmentation of Felzenszwalb and Huttenlocher (2004)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray

from vistadream.ops.numerics.jit import kernel

TOLERANCE = 80.0
"""The method's k in units of CIELAB: with a larger k, small regions join across larger color differences."""
LIGHTNESS = 0.6
"""Weight of lightness relative to hue and chroma, which change less across a shaded surface."""

ALIKE = 12.0
"""Distance in weighted CIELAB within which two regions can be the same surface."""


def region_colors(rgb: UInt8[ndarray, "h w 3"], regions: Int[ndarray, "h w"]) -> Float[ndarray, "n 3"]:
    """The mean color of each region in CIELAB, with lightness weighted by LIGHTNESS."""
    lab = _lab(rgb.astype(np.float32) / 255)
    flat = regions.ravel()
    return np.stack([np.bincount(flat, lab[..., c].ravel()) for c in range(3)], -1) / np.bincount(flat)[:, None]


def similar(colors: Float[ndarray, "n 3"], some: Bool[ndarray, "n"]) -> Bool[ndarray, "n"]:
    """Regions whose color is similar to that of one of the regions in `some`."""
    return np.linalg.norm(colors[:, None] - colors[some], axis=-1).min(1, initial=np.inf) < ALIKE


def find_regions(rgb: UInt8[ndarray, "h w 3"], min_area: float = 0.002) -> Int[ndarray, "h w"]:
    """The region number of each pixel, from 0 without gaps; none is smaller than `min_area` of the picture."""
    height, width = rgb.shape[:2]
    smooth = cv2.GaussianBlur(rgb.astype(np.float32) / 255, (0, 0), 0.8)
    first, second, difference = _edges(_lab(smooth))
    order = np.argsort(difference, kind="stable")
    roots = _join(order, first, second, difference, height * width, TOLERANCE, int(min_area * height * width))
    return np.unique(roots, return_inverse=True)[1].reshape(height, width)


def _lab(rgb: Float[ndarray, "h w 3"]) -> Float[ndarray, "h w 3"]:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB) * np.array([LIGHTNESS, 1, 1], np.float32)


def _edges(lab: Float[ndarray, "h w 3"]) -> tuple[ndarray, ndarray, ndarray]:
    """All pairs of 8-connected pixels, as flat indices, and their color differences."""
    height, width = lab.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    pairs: list[tuple[Any, Any]] = [
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ]
    first = np.concatenate([index[a].ravel() for a, _ in pairs])
    second = np.concatenate([index[b].ravel() for _, b in pairs])
    return first, second, np.linalg.norm(lab.reshape(-1, 3)[first] - lab.reshape(-1, 3)[second], axis=-1)


@kernel()
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel()
def _join(order, first, second, difference, n, tolerance, min_size):
    """The root of each pixel's region: joins across edges that differ no more than both sides; then tiny regions."""
    parent, size = np.arange(n), np.ones(n, np.int64)
    limit = np.full(n, tolerance)
    # First pass: join similar regions, edges in order of difference. Second pass: join regions below min_size.
    for final in (False, True):
        for edge in order:
            a, b = _root(parent, first[edge]), _root(parent, second[edge])
            if a == b:
                continue
            alike = difference[edge] <= min(limit[a], limit[b])
            if (alike and not final) or (final and min(size[a], size[b]) < min_size):
                parent[b] = a
                size[a] += size[b]
                limit[a] = difference[edge] + tolerance / size[a]
    for i in range(n):
        parent[i] = _root(parent, i)
    return parent
