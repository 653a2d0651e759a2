"""What it costs to put a pixel at a depth: one minus the correlation (ZNCC) with the photos that see it.

A pixel that cannot be matched is NaN. NaN spreads through sums, so a window that touches such a pixel has no score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from vistadream.ops.numerics.jit import kernel
from vistadream.ops.numerics.threads import over_range
from vistadream.ops.sweep.eye import Eye, homography

NOISE = np.float32(1e-4)
"""Added to each variance of gray, so that noise on a plain wall is not taken for texture."""
UNSEEN = np.float32(0.7)
"""The cost where no source sees the pixel: that of a poor match."""


def matching_costs(
    reference: Eye, sources: Sequence[Eye], inverse_z: Float32[ndarray, "d"], radii_px: Sequence[int], threads: int
) -> Float32[ndarray, "h w d"]:
    """The cost of each pixel on each plane, from 0 (equal) to 2 (inverted).

    It is the mean over the sources that see the pixel, and over windows of 2 * radius + 1 pixels: small ones keep edges
    sharp, large ones match surfaces with little texture.
    """
    gray = reference.matched
    h, w = gray.shape
    volume = np.empty((h, w, len(inverse_z)), np.float32)
    windows = [(radius, _statistics(gray, radius)) for radius in radii_px]
    pictures = [source.matched for source in sources]

    def planes(first: int, last: int) -> None:
        scratch = np.empty((4, h, w), np.float32)
        for plane in range(first, last):
            total, count = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32)
            for source, picture in zip(sources, pictures, strict=True):
                score = np.zeros((h, w), np.float32)
                _warp(picture, homography(source, reference, float(inverse_z[plane])), scratch[3])
                for radius, window in windows:
                    _correlate(gray, window, scratch, score, radius)
                _add(score, np.float32(len(windows)), total, count)
            _finish(total, count, volume[:, :, plane])

    over_range(threads, len(inverse_z), planes)
    return volume


def _statistics(gray: Float32[ndarray, "h w"], radius: int) -> Float32[ndarray, "2 h w"]:
    """The mean of gray in each window, and one over its standard deviation, with NOISE."""
    window, square = np.empty((2, *gray.shape), np.float32), np.empty_like(gray)
    _measure(gray, window, square, radius)
    return window


@kernel(nogil=True, error_model="numpy")
def _warp(picture, H, warped):
    """The picture at the pixels that the homography sends there, bilinear; NaN outside."""
    height, width = picture.shape
    h, w = warped.shape
    for y in range(h):
        u = H[0, 1] * (y + 0.5) + H[0, 2] + 0.5 * H[0, 0]
        v = H[1, 1] * (y + 0.5) + H[1, 2] + 0.5 * H[1, 0]
        s = H[2, 1] * (y + 0.5) + H[2, 2] + 0.5 * H[2, 0]
        for x in range(w):
            q = 1.0 / (s + x * H[2, 0])
            column = np.float32((u + x * H[0, 0]) * q - 0.5)
            row = np.float32((v + x * H[1, 0]) * q - 0.5)
            if q > 0 and 0 <= column < width - 1 and 0 <= row < height - 1:
                i, j = int(row), int(column)
                a, b = row - np.float32(i), column - np.float32(j)
                top = picture[i, j] + b * (picture[i, j + 1] - picture[i, j])
                bottom = picture[i + 1, j] + b * (picture[i + 1, j + 1] - picture[i + 1, j])
                warped[y, x] = top + a * (bottom - top)
            else:
                warped[y, x] = np.nan


@kernel(nogil=True, error_model="numpy")
def _window_sum(image, row, out, radius):
    """Sums of `image` over windows that are clipped at the border; `row` is scratch of one row with its margins."""
    h, w = image.shape
    for y in range(h):
        row[:] = 0
        for k in range(max(0, y - radius), min(h, y + radius + 1)):
            for x in range(w):
                row[x + radius] += image[k, x]
        for x in range(w):
            out[y, x] = row[x]
        for k in range(1, 2 * radius + 1):
            for x in range(w):
                out[y, x] += row[x + k]


@kernel(nogil=True, error_model="numpy")
def _count(y, x, h, w, radius):
    """The number of pixels in a clipped window."""
    rows = min(h, y + radius + 1) - max(0, y - radius)
    return np.float32(rows * (min(w, x + radius + 1) - max(0, x - radius)))


@kernel(nogil=True, error_model="numpy")
def _measure(gray, window, square, radius):
    h, w = gray.shape
    row = np.empty(w + 2 * radius, np.float32)
    _window_sum(gray, row, window[0], radius)
    _window_sum(gray * gray, row, square, radius)
    for y in range(h):
        for x in range(w):
            n = _count(y, x, h, w, radius)
            mean = window[0, y, x] / n
            variance = max(square[y, x] / n - mean * mean, np.float32(0))
            window[0, y, x] = mean
            window[1, y, x] = 1 / np.sqrt(variance + NOISE)


@kernel(nogil=True, error_model="numpy")
def _correlate(gray, window, scratch, score, radius):
    """Adds to score the ZNCC of the windows of `gray` and of the warped picture in scratch[3]."""
    h, w = gray.shape
    row = np.empty(w + 2 * radius, np.float32)
    warped = scratch[3]
    _window_sum(warped, row, scratch[0], radius)
    _window_sum(warped * warped, row, scratch[1], radius)
    _window_sum(warped * gray, row, scratch[2], radius)
    for y in range(h):
        for x in range(w):
            n = 1 / _count(y, x, h, w, radius)
            mean = scratch[0, y, x] * n
            variance = max(scratch[1, y, x] * n - mean * mean, np.float32(0))
            covariance = scratch[2, y, x] * n - mean * window[0, y, x]
            score[y, x] += covariance * window[1, y, x] / np.sqrt(variance + NOISE)


@kernel(nogil=True, error_model="numpy")
def _add(score, windows, total, count):
    """Adds the mean score of a source to the total where it is not NaN, and counts the source there."""
    h, w = score.shape
    for y in range(h):
        for x in range(w):
            if score[y, x] == score[y, x]:
                total[y, x] += score[y, x] / windows
                count[y, x] += 1


@kernel(nogil=True, error_model="numpy")
def _finish(total, count, cost):
    """1 - the mean score; UNSEEN where there is none."""
    h, w = total.shape
    for y in range(h):
        for x in range(w):
            if count[y, x] > 0:
                cost[y, x] = min(max(1 - total[y, x] / count[y, x], np.float32(0)), np.float32(2))
            else:
                cost[y, x] = UNSEEN
