"""Front-to-back blending of one tile after another, Gaussian by Gaussian and eight pixels of a row at a time.

Rules of the 3DGS reference as in gsplat: alpha is capped at MAX_ALPHA and skipped under MIN_ALPHA; a pixel is finished,
without that splat, when its transmittance would fall to MIN_TRANSMITTANCE. A finished pixel keeps its transmittance
with the sign turned, which also marks lanes outside the tile.
"""

import math

import numpy as np

from vistadream.backends.render.cpu.binning import TILE_H, TILE_W
from vistadream.backends.render.cpu.projection import (
    CENTER_X,
    CENTER_Y,
    FEATURES,
    LOG2_OPACITY,
    MIN_ALPHA,
    MIN_LOG2_ALPHA,
    QUAD_XX,
    QUAD_XY,
    QUAD_YY,
)
from vistadream.backends.render.cpu.simd import LANES, count, exp2, load, ramp, select, splat, store
from vistadream.ops.jit import inlined, kernel

MAX_ALPHA = 0.999
MIN_TRANSMITTANCE = 1e-4
STRIDE = TILE_W + LANES  # a vector may begin at a tile's last pixel
PLANE = TILE_H * STRIDE

_SPAN_MARGIN_PX = 0.01


@kernel(nogil=True, error_model="numpy")
def blend_tiles(tiles, bins, splats, boxes, image, alpha):
    """Writes the pixels of `tiles` into image (h w c) and alpha (h w)."""
    height, width, channels = image.shape
    planes = np.empty((channels + 1) * PLANE, np.float32)
    for tile in tiles:
        left, top, right, bottom = tile_bounds(tile, width, height)
        planes[PLANE:] = 0.0
        alive = open_tile(planes, right - left, bottom - top)
        for slot in range(bins.starts[tile], bins.starts[tile + 1]):
            s = bins.splat_of_slot[slot]
            alive -= _blend(splats[s], boxes[s], left, top, channels, planes)
            if alive == 0:
                break
        for y in range(bottom - top):
            for x in range(right - left):
                alpha[top + y, left + x] = np.float32(1.0) - abs(planes[y * STRIDE + x])
                for k in range(channels):
                    image[top + y, left + x, k] = planes[(k + 1) * PLANE + y * STRIDE + x]


@inlined(error_model="numpy")
def tile_bounds(tile, width, height):
    """left, top, right, bottom of a tile in pixels, ends excluded."""
    tiles_x = (width + TILE_W - 1) // TILE_W
    left, top = tile % tiles_x * TILE_W, tile // tiles_x * TILE_H
    return left, top, min(left + TILE_W, width), min(top + TILE_H, height)


@inlined(error_model="numpy")
def open_tile(planes, width, height):
    """Sets the first plane to full transmittance inside width x height and to finished outside; returns the pixels."""
    planes[:PLANE] = -1.0
    for y in range(height):
        planes[y * STRIDE : y * STRIDE + width] = 1.0
    return width * height


@inlined(error_model="numpy")
def row_span(splat_row, center_x, dy, x0, x1):
    """The part of the pixel columns [x0, x1) of a row dy from the centre in which the splat reaches MIN_ALPHA."""
    if x1 - x0 <= LANES:  # one vector anyway
        return x0, x1
    a, b = splat_row[QUAD_XX], splat_row[QUAD_XY] * dy
    c = splat_row[QUAD_YY] * dy * dy + splat_row[LOG2_OPACITY] - MIN_LOG2_ALPHA
    discriminant = b * b - 4.0 * a * c
    middle = center_x - 0.5 * b / a
    half = -0.5 * math.sqrt(max(discriminant, 0.0)) / a + _SPAN_MARGIN_PX
    first, last = np.ceil(middle - half - 0.5), np.floor(middle + half + 0.5)
    if discriminant < 0.0 or first >= x1 or last <= x0:
        return x0, x0
    return int(first) if first > x0 else x0, int(last) if last < x1 else x1  # all of it where a vanishes: NaN


@inlined(error_model="numpy")
def log2_alpha(splat_row, dx, dy):
    """Of the pixels at dx (eight of them) and dy from the splat's centre."""
    along_row = dx * splat_row[QUAD_XX] + splat_row[QUAD_XY] * dy
    return dx * along_row + (splat_row[QUAD_YY] * dy * dy + splat_row[LOG2_OPACITY])


@inlined(error_model="numpy")
def composite(exponent, transmittance):
    """alpha = 2**exponent, the lanes it blends into, those it finishes, and the new state of the transmittance."""
    alpha = exp2(exponent)
    touched = (alpha >= MIN_ALPHA) & (transmittance > 0.0)
    alpha = select(alpha < MAX_ALPHA, alpha, MAX_ALPHA)
    after = transmittance - alpha * transmittance
    finished = touched & (after <= MIN_TRANSMITTANCE)
    blended = touched & (after > MIN_TRANSMITTANCE)
    after = select(blended, after, transmittance)
    return alpha, blended, finished, select(finished, splat(0.0) - after, after)


@inlined(error_model="numpy")
def _blend(splat_row, box, left, top, channels, planes):
    """Blends one splat into a tile's planes (transmittance, then channels); returns how many pixels it finished."""
    x0, x1 = max(box[0] - left, 0), min(box[2] - left, TILE_W)
    center_x, center_y = splat_row[CENTER_X] - np.float32(left), splat_row[CENTER_Y] - np.float32(top)
    finished_pixels = 0
    for y in range(max(box[1] - top, 0), min(box[3] - top, TILE_H)):
        dy = np.float32(y + 0.5) - center_y
        first, last = row_span(splat_row, center_x, dy, x0, x1)
        for x in range(first, last, LANES):
            dx = ramp() + (np.float32(x + 0.5) - center_x)
            pixel = y * STRIDE + x
            before = load(planes, pixel)
            alpha, blended, finished, after = composite(log2_alpha(splat_row, dx, dy), before)
            store(planes, pixel, after)
            finished_pixels += count(finished)
            weight = select(blended, alpha * before, 0.0)
            for k in range(channels):
                at = (k + 1) * PLANE + pixel
                store(planes, at, load(planes, at) + weight * splat_row[FEATURES + k])
    return finished_pixels
