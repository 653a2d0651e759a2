"""Boundary F1: does the depth have its discontinuities where the sensor sees them?

After Depth Pro (Bochkovskii et al. 2024): an edge is a ratio of neighboring depths above a threshold, and F1 is the
mean over thresholds. Here both maps are reduced to medians of blocks first, since a sensor has no depth at its edges,
and an edge counts as found within one block.
"""

from __future__ import annotations

import warnings

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

BLOCKS = (120, 160)
RATIOS = (1.08, 1.12, 1.16, 1.2)


def boundary_f1(z: Float[ndarray, "h w"], truth: Float[ndarray, "h w"]) -> float:
    """F1 in [0, 1] of the edges of z, whose scale and shift are those of the truth; the truth is 0 where unknown."""
    found = _block_medians(z)
    true = _block_medians(np.where(truth > 0, truth, np.nan))
    scores = [_f1(_edges(found, ratio) & np.isfinite(true), _edges(true, ratio)) for ratio in RATIOS]
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else float("nan")


def _f1(found: Bool[ndarray, "h w"], true: Bool[ndarray, "h w"]) -> float:
    """NaN without any true edge."""
    if not true.any():
        return float("nan")
    precision = (found & _grown(true)).sum() / max(found.sum(), 1)
    recall = (true & _grown(found)).sum() / true.sum()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _grown(mask: Bool[ndarray, "h w"]) -> Bool[ndarray, "h w"]:
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def _edges(z: Float[ndarray, "h w"], ratio: float) -> Bool[ndarray, "h w"]:
    """Blocks next to one whose depth differs by more than a ratio."""
    log_z, edges = np.log(z), np.zeros(z.shape, bool)
    across, down = (np.abs(np.diff(log_z, axis=axis)) > np.log(ratio) for axis in (1, 0))
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges


def _block_medians(z: Float[ndarray, "h w"]) -> Float[ndarray, "H W"]:
    rows, columns = BLOCKS
    tall, wide = z.shape[0] // rows, z.shape[1] // columns
    blocks = z[: rows * tall, : columns * wide].reshape(rows, tall, columns, wide).transpose(0, 2, 1, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a block without any depth
        return np.nanmedian(blocks.reshape(rows, columns, -1), -1)
