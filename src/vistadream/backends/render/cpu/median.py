"""The continuous median depth: the z at which a pixel's transmittance crosses one half (GGGS, arXiv 2601.17835).

The transmittance of a splat, blended with alpha in the pixel, from the camera to z on the ray is
T_i(z) = v_i(z) before its peak and v_i(peak)^2 / v_i(z) behind it, with v_i(z)^2 = 1 - alpha exp(-a (z - peak)^2 / 2):
it falls smoothly from 1 to the 1 - alpha of the blending. The median solves T(z) = prod T_i(z) = 1/2.

For each tile, the splats of each group of eight pixels in a row are listed once with the values that they need; then
the roots of the eight pixels are found together. T^2 is a product of plain factors, so that no logarithm is needed.
"""

import math

import numpy as np

from vistadream.backends.render.cpu.binning import TILE_H, TILE_W
from vistadream.backends.render.cpu.forward import MAX_ALPHA, local_box, log2_alpha, offsets, row_span, tile_bounds
from vistadream.backends.render.cpu.profile import DEPTH, along_ray
from vistadream.backends.render.cpu.projection import MIN_ALPHA
from vistadream.backends.render.cpu.simd import LANES, count, exp2, load, select, splat, sqrt, store
from vistadream.ops.numerics.jit import inlined, kernel

HALF = 0.5
HALF_LOG2_E = 0.5 * math.log2(math.e)

_GROUPS_X = TILE_W // LANES
_GROUPS = TILE_H * _GROUPS_X
_ENTRY = 3 * LANES  # alpha (0 where not blended), peak, a log2(e) / 2
_REACH = 5.0  # 2^-(5^2) of a peak is negligible compared with 1 in float32
_CLOSE = 3e-6  # tolerance of log(2 T)
_STEP = 1e-7  # tolerance of z, relative: the resolution of float32
_NEWTON_STEPS, _MAX_STEPS = 20, 60  # the steps after the first 20 bisect: enough for any bracket
_FLATTEST = 1e-3  # slope of log T over log z below which the median has no useful gradient


@kernel(nogil=True, error_model="numpy")
def median_tiles(tiles, bins, splats, boxes, profiles, transmittance, ends, z, per_slope):
    """Writes the pixels of `tiles` into z (h w), 0 where T never crosses one half, and into per_slope (h w).

    per_slope = - d z / d log T on the ray; 0 where there is no median, or T is nearly flat.
    """
    height, width = z.shape
    plane = np.empty(TILE_W * TILE_H, np.float32)
    starts, cursors = np.empty(_GROUPS + 1, np.int64), np.empty(_GROUPS, np.int64)
    entries = np.empty(0, np.float32)
    roots = np.empty(2 * LANES, np.float32)
    for tile in tiles:
        start = bins.starts[tile]
        left, top, right, bottom = tile_bounds(tile, width, height)
        farthest = _open_tile(left, top, right, bottom, transmittance, ends, plane)
        stop = start + int(min(farthest, np.float32(bins.starts[tile + 1] - start)))
        # List the splats of each group of pixels.
        _reserve(start, stop, bins, splats, boxes, left, top, starts)
        if len(entries) < starts[_GROUPS] * _ENTRY:
            entries = np.empty(2 * starts[_GROUPS] * _ENTRY, np.float32)
        cursors[:] = starts[:_GROUPS]
        for slot in range(start, stop):
            s = bins.splat_of_slot[slot]
            _list(slot - start, splats[s], boxes[s], profiles[s], left, top, plane, cursors, entries)
        # Find the root of each group, and write those pixels that have a median.
        for y in range(top, bottom):
            for x in range(left, right, LANES):
                group = (y - top) * _GROUPS_X + (x - left) // LANES
                _solve(entries, starts[group], cursors[group], roots)
                for lane in range(min(LANES, right - x)):
                    root, slope = roots[lane], roots[LANES + lane]
                    crosses = transmittance[y, x + lane] < HALF and root > 0.0
                    z[y, x + lane] = root if crosses else 0.0
                    per_slope[y, x + lane] = 1.0 / slope if crosses and slope * root > _FLATTEST else 0.0


@inlined(error_model="numpy")
def _open_tile(left, top, right, bottom, transmittance, ends, plane):
    """Fills the plane with the ends of the pixels that have a median, -1 elsewhere; returns the largest end."""
    plane[:] = -1.0
    farthest = np.float32(0.0)
    for y in range(top, bottom):
        for x in range(left, right):
            if transmittance[y, x] < HALF:
                plane[(y - top) * TILE_W + x - left] = ends[y, x]
                farthest = max(farthest, ends[y, x])
    return farthest


@inlined(error_model="numpy")
def _reserve(start, stop, bins, splats, boxes, left, top, starts):
    """Fills `starts` with the first entry of each group's list; the next one's start is the upper bound of its end."""
    starts[:] = 0
    for slot in range(start, stop):
        s = bins.splat_of_slot[slot]
        x0, x1, y0, y1, center_x, center_y = local_box(splats[s], boxes[s], left, top)
        for y in range(y0, y1):
            first, last = row_span(splats[s], center_x, np.float32(y + 0.5) - center_y, x0, x1)
            for column in range(first // LANES, (last + LANES - 1) // LANES):
                starts[y * _GROUPS_X + column + 1] += 1
    for group in range(_GROUPS):
        starts[group + 1] += starts[group]


@inlined(error_model="numpy")
def _list(number, splat_row, box, profile_row, left, top, plane, cursors, entries):
    """Appends one splat to the lists of the groups in which it is blended."""
    x0, x1, y0, y1, center_x, center_y = local_box(splat_row, box, left, top)
    for y in range(y0, y1):
        dy = np.float32(y + 0.5) - center_y
        first, last = row_span(splat_row, center_x, dy, x0, x1)
        for x in range(first - first % LANES, last, LANES):
            dx = offsets(x, center_x)
            alpha = exp2(log2_alpha(splat_row, dx, dy))
            blended = (alpha >= MIN_ALPHA) & (load(plane, y * TILE_W + x) > np.float32(number))
            if count(blended):
                group = y * _GROUPS_X + x // LANES
                at = cursors[group] * _ENTRY
                cursors[group] += 1
                beyond, a = along_ray(profile_row, dx, dy)
                store(entries, at, select(blended, select(alpha < MAX_ALPHA, alpha, MAX_ALPHA), 0.0))
                store(entries, at + LANES, beyond + profile_row[DEPTH])
                store(entries, at + 2 * LANES, a * np.float32(HALF_LOG2_E))


@inlined(error_model="numpy")
def _solve(entries, first, last, roots):
    """Fills `roots` with z, then - d log T / d z, of the eight pixels of a list (0 if the list is empty).

    Newton's method on log(2T), where each step is at most twice the one before, and bisection where a step leaves the
    bracket. With u = (2T)^2, log(2T) = atanh((u - 1) / (u + 1)); two terms of its series are accurate enough.
    """
    if first == last:
        roots[:] = 0.0
        return
    low, high, z, limit = _bracket(entries, first, last)
    for step in range(_MAX_STEPS):
        # Shrink the bracket by the sign of log(2T).
        square, slope = _transmittance(entries, first, last, z)
        t = (square - 0.25) / (square + 0.25)
        excess = t + t * t * t * np.float32(1 / 3)
        low, high = select(excess > 0.0, z, low), select(excess > 0.0, high, z)
        # Newton's step, limited; bisection if it leaves the bracket.
        newton = excess / slope
        newton = select(newton < limit, newton, limit)
        newton = z + select(newton > splat(0.0) - limit, newton, splat(0.0) - limit)
        limit = limit * 2.0
        stays = (newton >= low) & (newton <= high) & (splat(np.float32(step)) < _NEWTON_STEPS)
        following = select(stays, newton, (low + high) * 0.5)
        # Lanes without splats have low > high, and are not open.
        open = (_abs(excess) > _CLOSE) & (_abs(following - z) > _abs(z) * _STEP) & (low < high)
        if count(open) == 0:
            break
        z = select(open, following, z)
    store(roots, 0, z)
    store(roots, LANES, slope)


@inlined(error_model="numpy")
def _bracket(entries, first, last):
    """Two z around the median, a first guess just before the splat at which T falls to one half, and its first step."""
    low, high, z, after = splat(np.inf), splat(-np.inf), splat(0.0), splat(1.0)
    widest, a_of_z = splat(np.inf), splat(1.0)
    for entry in range(first, last):
        alpha, peak = load(entries, entry * _ENTRY), load(entries, entry * _ENTRY + LANES)
        a = load(entries, entry * _ENTRY + 2 * LANES)
        there = alpha > 0.0
        low = select(there & (peak < low), peak, low)
        high = select(there & (peak > high), peak, high)
        widest = select(there & (a < widest), a, widest)
        z, a_of_z = select(there & (after > HALF), peak, z), select(there & (after > HALF), a, a_of_z)
        after = after - alpha * after
    reach = splat(_REACH) / sqrt(widest)
    width = splat(1.0) / sqrt(a_of_z)
    return low - reach, high + reach, z - width, width


@inlined(error_model="numpy")
def _transmittance(entries, first, last, z):
    """T^2 and - d log T / d z of eight pixels at z."""
    square, slope = splat(1.0), splat(0.0)
    for entry in range(first, last):
        alpha, peak = load(entries, entry * _ENTRY), load(entries, entry * _ENTRY + LANES)
        a = load(entries, entry * _ENTRY + 2 * LANES)
        d = z - peak
        density = alpha * exp2(splat(0.0) - a * d * d)
        passed = splat(1.0) - density
        rest = splat(1.0) - alpha
        per_passed = splat(1.0) / passed
        square = square * select(d > 0.0, rest * rest * per_passed, passed)
        slope += a * _abs(d) * density * per_passed
    return square, slope * np.float32(0.5 / HALF_LOG2_E)


@inlined(error_model="numpy")
def _abs(value):
    return select(value < 0.0, splat(0.0) - value, value)
