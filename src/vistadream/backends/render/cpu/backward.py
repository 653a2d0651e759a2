"""Gradients of the blending, tile by tile and again front to back, then of the projection.

With v = g . channels of a splat (g: the pixel's upstream gradient) and R the sum of w v over the splats behind it,
d loss / d alpha = T v - R / (1 - alpha). R starts as g . (blended pixel) and loses each splat's part in turn, so no
splat has to be visited in reverse. Every (splat, tile) pair owns a slot for its sums, so no two threads ever add to
the same number, and the slots of a splat are added in a fixed order: the result does not depend on the threads.
"""

import numpy as np

from vistadream.backends.render.cpu.binning import TILE_H, TILE_W
from vistadream.backends.render.cpu.forward import (
    MAX_ALPHA,
    PLANE,
    STRIDE,
    composite,
    log2_alpha,
    open_tile,
    row_span,
    tile_bounds,
)
from vistadream.backends.render.cpu.projection import CENTER_X, CENTER_Y, FEATURES
from vistadream.backends.render.cpu.simd import LANES, count, load, ramp, select, splat, store, total
from vistadream.ops.jit import inlined, kernel

MOMENTS = 6
"""A slot holds, of m = d loss / d log(alpha), the sums m, m dx, m dy, m dx^2, m dx dy, m dy^2; then the channels'."""


@kernel(nogil=True, error_model="numpy")
def unblend_tiles(tiles, bins, splats, boxes, image, alpha, image_grad, alpha_grad, slots):
    """Fills the slots of `tiles` (slots x (MOMENTS + c)) from the gradients of image (h w c) and alpha (h w)."""
    height, width, channels = image.shape
    planes = np.empty((channels + 3) * PLANE, np.float32)
    sums = np.empty(channels * LANES, np.float32)
    for tile in tiles:
        bounds = tile_bounds(tile, width, height)
        alive = _open_tile(bounds, image, alpha, image_grad, alpha_grad, planes)
        left, top = bounds[0], bounds[1]
        for slot in range(bins.starts[tile], bins.starts[tile + 1]):
            if alive == 0:
                slots[slot] = 0.0
                continue
            s = bins.splat_of_slot[slot]
            alive -= _unblend(splats[s], boxes[s], left, top, channels, planes, sums, slots[slot])


@inlined(error_model="numpy")
def _open_tile(bounds, image, alpha, image_grad, alpha_grad, planes):
    """Planes: transmittance, R, the gradient of alpha, those of the channels. Returns the number of pixels."""
    left, top, right, bottom = bounds
    channels = image.shape[2]
    planes[PLANE:] = 0.0
    for y in range(top, bottom):
        for x in range(left, right):
            pixel = (y - top) * STRIDE + x - left
            behind = alpha_grad[y, x] * alpha[y, x]
            for k in range(channels):
                behind += image_grad[y, x, k] * image[y, x, k]
                planes[(k + 3) * PLANE + pixel] = image_grad[y, x, k]
            planes[PLANE + pixel] = behind
            planes[2 * PLANE + pixel] = alpha_grad[y, x]
    return open_tile(planes, right - left, bottom - top)


@inlined(error_model="numpy")
def _unblend(splat_row, box, left, top, channels, planes, sums, slot):
    """Repeats `_blend` of one splat and fills its slot; returns how many pixels it finished."""
    x0, x1 = max(box[0] - left, 0), min(box[2] - left, TILE_W)
    center_x, center_y = splat_row[CENTER_X] - np.float32(left), splat_row[CENTER_Y] - np.float32(top)
    finished_pixels = 0
    zero = splat(0.0)
    m_1, m_x, m_y, m_xx, m_xy, m_yy = zero, zero, zero, zero, zero, zero
    sums[:] = 0.0
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
            value = load(planes, 2 * PLANE + pixel)
            for k in range(channels):
                grad = load(planes, (k + 3) * PLANE + pixel)
                value += grad * splat_row[FEATURES + k]
                store(sums, k * LANES, load(sums, k * LANES) + weight * grad)
            behind = load(planes, PLANE + pixel) - weight * value
            store(planes, PLANE + pixel, behind)
            m = alpha * (before * value - behind / (splat(1.0) - alpha))
            m = select(blended & (alpha < MAX_ALPHA), m, 0.0)
            m_1 += m
            m_x += m * dx
            m_y += m * dy
            m_xx += m * dx * dx
            m_xy += m * dx * dy
            m_yy += m * (dy * dy)
    slot[0], slot[1], slot[2] = total(m_1), total(m_x), total(m_y)
    slot[3], slot[4], slot[5] = total(m_xx), total(m_xy), total(m_yy)
    for k in range(channels):
        slot[MOMENTS + k] = total(load(sums, k * LANES))
    return finished_pixels
