"""The gradient of the blending, tile by tile, back to front.

With v = g . channels of a splat (g: the pixel's upstream gradient) and B the sum of w v over the splats behind it,
d loss / d alpha = T v - B / (1 - alpha), where the transmittance T in front of it is that behind it / (1 - alpha).
Every (splat, tile) pair owns a slot for its sums, so no two threads add to the same number, and the slots of a splat
are added in a fixed order: the result does not depend on the number of threads.
"""

import numpy as np

from vistadream.backends.render.cpu.forward import (
    MAX_ALPHA,
    PLANE,
    STRIDE,
    local_box,
    log2_alpha,
    offsets,
    row_span,
    tile_bounds,
)
from vistadream.backends.render.cpu.projection import FEATURES, MIN_ALPHA
from vistadream.backends.render.cpu.simd import LANES, exp2, load, select, splat, store, total
from vistadream.ops.numerics.jit import inlined, kernel

MOMENTS = 6
"""A slot holds the sums over pixels of m, m dx, m dy, m dx^2, m dx dy, m dy^2 with m = d loss / d log(alpha); then the
gradients of the channels."""

_CHANNELS = 4  # number of planes before those of the channels: transmittance, ends, B, gradient of alpha


@kernel(nogil=True, error_model="numpy")
def unblend_tiles(tiles, bins, splats, boxes, transmittance, ends, image_grad, alpha_grad, slots):
    """Fills the slots of `tiles` (slots x (MOMENTS + c)) from the gradients of image (h w c) and alpha (h w)."""
    height, width, channels = image_grad.shape
    planes = np.empty((_CHANNELS + channels) * PLANE, np.float32)
    sums = np.empty(channels * LANES, np.float32)
    for tile in tiles:
        start, stop = bins.starts[tile], bins.starts[tile + 1]
        left, top, right, bottom = tile_bounds(tile, width, height)
        farthest = _open_tile(left, top, right, bottom, transmittance, ends, image_grad, alpha_grad, planes)
        used = start + int(min(farthest, np.float32(stop - start)))
        slots[used:stop] = 0.0
        for slot in range(used - 1, start - 1, -1):
            s = bins.splat_of_slot[slot]
            _unblend(slot - start, splats[s], boxes[s], left, top, channels, planes, sums, slots[slot])


@inlined(error_model="numpy")
def _open_tile(left, top, right, bottom, transmittance, ends, image_grad, alpha_grad, planes):
    """Fills the planes; returns the last end. Pixels without a splat are left out: their gradients may be infinite."""
    planes[:] = 0.0
    planes[PLANE : 2 * PLANE] = -1.0  # no splat comes before this end
    farthest = np.float32(0.0)
    for y in range(top, bottom):
        for x in range(left, right):
            if transmittance[y, x] == 1.0:
                continue
            pixel = (y - top) * STRIDE + x - left
            planes[pixel] = transmittance[y, x]
            planes[PLANE + pixel] = ends[y, x]
            planes[3 * PLANE + pixel] = alpha_grad[y, x]
            farthest = max(farthest, ends[y, x])
            for k in range(image_grad.shape[2]):
                planes[(_CHANNELS + k) * PLANE + pixel] = image_grad[y, x, k]
    return farthest


@inlined(error_model="numpy")
def add_moments(m_1, m_x, m_y, m_xx, m_xy, m_yy, one, cross, square, dx, dy):
    """Adds one, cross (dx, dy) and square (dx^2, dx dy, dy^2) of 8 pixels to six sums."""
    m_1 += one
    m_x += cross * dx
    m_y += cross * dy
    m_xx += square * dx * dx
    m_xy += square * dx * dy
    m_yy += square * (dy * dy)
    return m_1, m_x, m_y, m_xx, m_xy, m_yy


@inlined(error_model="numpy")
def _unblend(number, splat_row, box, left, top, channels, planes, sums, slot):
    """Removes one splat from a tile's planes and fills its slot."""
    x0, x1, y0, y1, center_x, center_y = local_box(splat_row, box, left, top)
    zero = splat(0.0)
    m_1, m_x, m_y, m_xx, m_xy, m_yy = zero, zero, zero, zero, zero, zero
    sums[:] = 0.0
    for y in range(y0, y1):
        dy = np.float32(y + 0.5) - center_y
        first, last = row_span(splat_row, center_x, dy, x0, x1)
        for x in range(first, last, LANES):
            # Recompute alpha as in the forward pass.
            dx = offsets(x, center_x)
            pixel = y * STRIDE + x
            alpha = exp2(log2_alpha(splat_row, dx, dy))
            blended = (alpha >= MIN_ALPHA) & (load(planes, PLANE + pixel) > np.float32(number))
            free = blended & (alpha < MAX_ALPHA)
            alpha = select(alpha < MAX_ALPHA, alpha, MAX_ALPHA)
            # Restore the transmittance in front of the splat.
            per_rest = splat(1.0) / (splat(1.0) - alpha)
            after = load(planes, pixel)
            before = after * per_rest
            store(planes, pixel, select(blended, before, after))
            # Gradients of the channels, and v = g . channels.
            weight = select(blended, alpha * before, 0.0)
            value = load(planes, 3 * PLANE + pixel)
            for k in range(channels):
                grad = load(planes, (_CHANNELS + k) * PLANE + pixel)
                value += grad * splat_row[FEATURES + k]
                store(sums, k * LANES, load(sums, k * LANES) + weight * grad)
            # Gradient of alpha, and its moments.
            behind = load(planes, 2 * PLANE + pixel)
            store(planes, 2 * PLANE + pixel, behind + weight * value)
            m = select(free, alpha * (before * value - behind * per_rest), 0.0)
            m_1, m_x, m_y, m_xx, m_xy, m_yy = add_moments(m_1, m_x, m_y, m_xx, m_xy, m_yy, m, m, m, dx, dy)
    slot[0], slot[1], slot[2] = total(m_1), total(m_x), total(m_y)
    slot[3], slot[4], slot[5] = total(m_xx), total(m_xy), total(m_yy)
    for k in range(channels):
        slot[MOMENTS + k] = total(load(sums, k * LANES))
