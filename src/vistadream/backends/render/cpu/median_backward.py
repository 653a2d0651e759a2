"""The gradient of the median depth with respect to every splat's alpha, peak and width, tile by tile.

At the median z, T(z) = 1/2 holds whatever the parameters p, so dz/dp = (d log T / dp) / -(d log T / dz): the implicit
function theorem. Where d = z - peak, g = alpha exp(-a d^2 / 2) and s = 1 before the peak, -1 behind it,
log T_i = s log(1 - g) / 2, plus log(1 - alpha) behind it. The slots are those of `backward`.
"""

import numpy as np

from vistadream.backends.render.cpu.backward import add_moments
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
from vistadream.backends.render.cpu.median import HALF_LOG2_E
from vistadream.backends.render.cpu.profile import DEPTH, along_ray
from vistadream.backends.render.cpu.projection import MIN_ALPHA
from vistadream.backends.render.cpu.simd import LANES, exp2, load, select, splat, total
from vistadream.ops.numerics.jit import inlined, kernel

RAY_MOMENTS = 9
"""A ray slot holds sums for `profile_backward`, with k = d (d loss / d log g), f = - k d / 2 and h = peak - depth:
f - k h; (f - k (h + depth / 2)) times dx, dy; (f - k (h + depth)) times dx^2, dx dy, dy^2; k times 1, dx, dy."""


@kernel(nogil=True, error_model="numpy")
def ray_moments(tiles, bins, splats, boxes, profiles, ends, z, pull, slots, ray_slots):
    """Adds to the moments of the `slots` of `tiles`, and fills their ray_slots.

    pull (h w): the gradient of the median times - dz / d log T.
    """
    height, width = z.shape
    planes = np.empty(3 * PLANE, np.float32)
    for tile in tiles:
        start, stop = bins.starts[tile], bins.starts[tile + 1]
        left, top, right, bottom = tile_bounds(tile, width, height)
        farthest = _open_tile(left, top, right, bottom, ends, z, pull, planes)
        used = start + int(min(farthest, np.float32(stop - start)))
        ray_slots[used:stop] = 0.0
        for slot in range(start, used):
            s = bins.splat_of_slot[slot]
            _add_moments(
                slot - start, splats[s], boxes[s], profiles[s], left, top, planes, slots[slot], ray_slots[slot]
            )


@inlined(error_model="numpy")
def _open_tile(left, top, right, bottom, ends, z, pull, planes):
    """Fills the planes: ends (-1 where pull is 0), z and pull. Returns the largest end."""
    planes[:] = 0.0
    planes[:PLANE] = -1.0
    farthest = np.float32(0.0)
    for y in range(top, bottom):
        for x in range(left, right):
            if pull[y, x] != 0.0:
                pixel = (y - top) * STRIDE + x - left
                planes[pixel] = ends[y, x]
                planes[PLANE + pixel] = z[y, x]
                planes[2 * PLANE + pixel] = pull[y, x]
                farthest = max(farthest, ends[y, x])
    return farthest


@inlined(error_model="numpy")
def _add_moments(number, splat_row, box, profile_row, left, top, planes, slot, ray_slot):
    """Adds the sums over one splat's pixels to its slot, and fills its ray slot."""
    x0, x1, y0, y1, center_x, center_y = local_box(splat_row, box, left, top)
    zero = splat(0.0)
    m_1, m_x, m_y, m_xx, m_xy, m_yy = zero, zero, zero, zero, zero, zero
    p_1, p_x, p_y, p_xx, p_xy, p_yy = zero, zero, zero, zero, zero, zero
    k_1, k_x, k_y = zero, zero, zero
    for y in range(y0, y1):
        dy = np.float32(y + 0.5) - center_y
        first, last = row_span(splat_row, center_x, dy, x0, x1)
        for x in range(first, last, LANES):
            # Recompute alpha as in the forward pass.
            dx = offsets(x, center_x)
            pixel = y * STRIDE + x
            alpha = exp2(log2_alpha(splat_row, dx, dy))
            blended = (alpha >= MIN_ALPHA) & (load(planes, pixel) > np.float32(number))
            free = blended & (alpha < MAX_ALPHA)
            alpha = select(alpha < MAX_ALPHA, alpha, MAX_ALPHA)
            # Density g of the splat at the median, and the gradients of log alpha (m), and along the ray (k, f).
            h, a = along_ray(profile_row, dx, dy)
            d = load(planes, PLANE + pixel) - profile_row[DEPTH] - h
            g = alpha * exp2(a * d * d * np.float32(-HALF_LOG2_E))
            pull = select(blended, load(planes, 2 * PLANE + pixel), 0.0)
            k = select(d > 0.0, pull, zero - pull) * 0.5 * g / (splat(1.0) - g)
            m = select(free, k - select(d > 0.0, pull * alpha / (splat(1.0) - alpha), 0.0), 0.0)
            k = k * d
            f = k * d * np.float32(-0.5)
            at_center, cross, square = (
                f - k * h,
                f - k * (h + np.float32(0.5) * profile_row[DEPTH]),
                f - k * (h + profile_row[DEPTH]),
            )
            # Moments about the splat's center.
            m_1, m_x, m_y, m_xx, m_xy, m_yy = add_moments(m_1, m_x, m_y, m_xx, m_xy, m_yy, m, m, m, dx, dy)
            p_1, p_x, p_y, p_xx, p_xy, p_yy = add_moments(
                p_1, p_x, p_y, p_xx, p_xy, p_yy, at_center, cross, square, dx, dy
            )
            k_1 += k
            k_x += k * dx
            k_y += k * dy
    slot[0] += total(m_1)
    slot[1] += total(m_x)
    slot[2] += total(m_y)
    slot[3] += total(m_xx)
    slot[4] += total(m_xy)
    slot[5] += total(m_yy)
    ray_slot[0], ray_slot[1], ray_slot[2] = total(p_1), total(p_x), total(p_y)
    ray_slot[3], ray_slot[4], ray_slot[5] = total(p_xx), total(p_xy), total(p_yy)
    ray_slot[6], ray_slot[7], ray_slot[8] = total(k_1), total(k_x), total(k_y)
