"""Front-to-back blending, tile by tile: for each tile splat by splat, for each splat eight pixels of a row at a time.

Rules of the 3DGS reference as in gsplat: alpha is capped at MAX_ALPHA and skipped under MIN_ALPHA; a pixel is finished,
without that splat, when its transmittance would fall to MIN_TRANSMITTANCE. While a tile is drawn, the transmittance of
finished pixels, and of lanes outside the tile, is negative.
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
from vistadream.ops.numerics.jit import inlined, kernel

MAX_ALPHA = 0.999
MIN_TRANSMITTANCE = 1e-4
STRIDE = TILE_W + LANES  # a vector may begin at the last pixel of a row of the tile
PLANE = TILE_H * STRIDE

_SPAN_MARGIN_PX = 0.01


@kernel(nogil=True, error_model="numpy")
def blend_tiles(tiles, bins, splats, boxes, image, transmittance, ends):
    """Writes the pixels of `tiles` into image (h w c) and transmittance (h w).

    ends (h w) receives the number of the splat in the tile's list that finished the pixel; inf if none did.
    """
    height, width, channels = image.shape
    planes = np.empty((channels + 2) * PLANE, np.float32)  # transmittance, ends, channels
    for tile in tiles:
        # Reset the planes: transmittance 1 (-1 outside the tile), no ends, black.
        left, top, right, bottom = tile_bounds(tile, width, height)
        alive = (right - left) * (bottom - top)
        planes[2 * PLANE :] = 0.0
        fill_plane(planes[:PLANE], right - left, bottom - top, 1.0, -1.0)
        planes[PLANE : 2 * PLANE] = np.inf
        # Blend the splats, near to far, until every pixel is finished.
        for slot in range(bins.starts[tile], bins.starts[tile + 1]):
            s = bins.splat_of_slot[slot]
            alive -= _blend(slot - bins.starts[tile], splats[s], boxes[s], left, top, channels, planes)
            if alive == 0:
                break
        # Copy the planes to the maps.
        for y in range(top, bottom):
            for x in range(left, right):
                pixel = (y - top) * STRIDE + x - left
                transmittance[y, x] = abs(planes[pixel])
                ends[y, x] = planes[PLANE + pixel]
                for k in range(channels):
                    image[y, x, k] = planes[(k + 2) * PLANE + pixel]


@inlined(error_model="numpy")
def tile_bounds(tile, width, height):
    """left, top, right, bottom of a tile in pixels; right and bottom are excluded."""
    tiles_x = (width + TILE_W - 1) // TILE_W
    left, top = tile % tiles_x * TILE_W, tile // tiles_x * TILE_H
    return left, top, min(left + TILE_W, width), min(top + TILE_H, height)


@inlined(error_model="numpy")
def fill_plane(plane, width, height, inside, outside):
    """Sets the plane's first width x height pixels to `inside`, and all others to `outside`."""
    plane[:] = outside
    for y in range(height):
        plane[y * STRIDE : y * STRIDE + width] = inside


@inlined(error_model="numpy")
def local_box(splat_row, box, left, top):
    """A splat's pixel box x0, x1, y0, y1 inside a tile, ends excluded, and its center; relative to the tile."""
    x0, x1 = max(box[0] - left, 0), min(box[2] - left, TILE_W)
    y0, y1 = max(box[1] - top, 0), min(box[3] - top, TILE_H)
    return x0, x1, y0, y1, splat_row[CENTER_X] - np.float32(left), splat_row[CENTER_Y] - np.float32(top)


@inlined(error_model="numpy")
def row_span(splat_row, center_x, dy, x0, x1):
    """The part of the pixel columns [x0, x1), in a row dy from the center, in which the splat reaches MIN_ALPHA."""
    if x1 - x0 <= LANES:  # a single vector in any case
        return x0, x1
    a, b = splat_row[QUAD_XX], splat_row[QUAD_XY] * dy
    c = splat_row[QUAD_YY] * dy * dy + splat_row[LOG2_OPACITY] - MIN_LOG2_ALPHA
    discriminant = b * b - 4.0 * a * c
    middle = center_x - 0.5 * b / a
    half = -0.5 * math.sqrt(max(discriminant, 0.0)) / a + _SPAN_MARGIN_PX
    first, last = np.ceil(middle - half - 0.5), np.floor(middle + half + 0.5)
    if discriminant < 0.0 or first >= x1 or last <= x0:
        return x0, x0
    return int(first) if first > x0 else x0, int(last) if last < x1 else x1  # a = 0 gives NaN, then the whole row


@inlined(error_model="numpy")
def offsets(x, center_x):
    """x offsets of the 8 pixels from column x on from a splat's center; a pixel's bits do not depend on x."""
    return (ramp() + np.float32(x + 0.5)) - center_x


@inlined(error_model="numpy")
def log2_alpha(splat_row, dx, dy):
    """log2 alpha of 8 pixels at the offsets dx and dy from the splat's center."""
    along_row = dx * splat_row[QUAD_XX] + splat_row[QUAD_XY] * dy
    return dx * along_row + (splat_row[QUAD_YY] * dy * dy + splat_row[LOG2_OPACITY])


@inlined(error_model="numpy")
def _blend(number, splat_row, box, left, top, channels, planes):
    """Blends one splat into a tile's planes: transmittance, ends, channels. Returns how many pixels it finished."""
    x0, x1, y0, y1, center_x, center_y = local_box(splat_row, box, left, top)
    finished_pixels = 0
    for y in range(y0, y1):
        dy = np.float32(y + 0.5) - center_y
        first, last = row_span(splat_row, center_x, dy, x0, x1)
        for x in range(first, last, LANES):
            dx = offsets(x, center_x)
            pixel = y * STRIDE + x
            before = load(planes, pixel)
            alpha = exp2(log2_alpha(splat_row, dx, dy))
            touched = (alpha >= MIN_ALPHA) & (before > 0.0)
            alpha = select(alpha < MAX_ALPHA, alpha, MAX_ALPHA)
            after = before - alpha * before
            finished = touched & (after <= MIN_TRANSMITTANCE)
            blended = touched & (after > MIN_TRANSMITTANCE)
            store(planes, pixel, select(blended, after, select(finished, splat(0.0) - before, before)))
            weight = select(blended, alpha * before, 0.0)
            for k in range(channels):
                at = (k + 2) * PLANE + pixel
                store(planes, at, load(planes, at) + weight * splat_row[FEATURES + k])
            if count(finished):
                finished_pixels += count(finished)
                store(planes, PLANE + pixel, select(finished, np.float32(number), load(planes, PLANE + pixel)))
    return finished_pixels
