"""The profile of a 3D Gaussian along the ray of a pixel: a 1D Gaussian of z, with a peak and a width.

On the points z r of the ray through a pixel, r = (x/z, y/z, 1), a Gaussian with mean mu and inverse covariance P in
camera axes is proportional to exp(-a (z - peak)^2 / 2), a = r.P r and peak = r.P mu / a (GGGS, arXiv 2601.17835).

A profile is a row of float32: depth of the mean, then three numbers for each axis k of the Gaussian, so that
e_k = row . (1, dx, dy) is the ray in units of that axis at an offset (dx, dy) in pixels from the splat's center.
Then a = sum of e_k^2, and peak = depth (1 - sum of e_k (e_k - e_k(0)) / a), which is accurate near the center.
"""

from vistadream.backends.render.cpu.simd import splat
from vistadream.ops.numerics.jit import inlined

DEPTH, AXES, PROFILE = 0, 1, 10
THINNEST, WIDEST = 1e-5, 1e5
"""Scales are clamped to these fractions of the depth: float32 depths cannot distinguish smaller or larger ones."""


@inlined(error_model="numpy")
def fill_profile(row, i, scales, work, cam_from_world, lens):
    """Fills the profile of Gaussian i from its linearized values."""
    x, y, z = work.xyz[0], work.xyz[1], work.xyz[2]
    row[DEPTH] = z
    for k in range(3):
        axis = camera_axis(k, work.rotation, cam_from_world)
        per_scale = 1.0 / clamped_scale(scales[i, k], z)
        row[AXES + 3 * k] = (axis[0] * x + axis[1] * y + axis[2] * z) / z * per_scale
        row[AXES + 3 * k + 1] = axis[0] / lens.fx * per_scale
        row[AXES + 3 * k + 2] = axis[1] / lens.fy * per_scale


@inlined(error_model="numpy")
def camera_axis(k, rotation, cam_from_world):
    """Axis k of a Gaussian in camera axes."""
    m = cam_from_world
    x, y, z = rotation[0, k], rotation[1, k], rotation[2, k]
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
    )


@inlined(error_model="numpy")
def clamped_scale(scale, depth):
    """The scale used along the ray for a Gaussian at this depth."""
    return min(max(abs(scale), THINNEST * depth), WIDEST * depth)


@inlined(error_model="numpy")
def along_ray(row, dx, dy):
    """For 8 pixels at the offsets dx and dy from the center: peak - depth, and a = 1 / width^2, both in z."""
    zero = splat(0.0)
    a, b = zero, zero
    for k in range(3):
        step = dx * row[AXES + 3 * k + 1] + row[AXES + 3 * k + 2] * dy
        e = step + row[AXES + 3 * k]
        a += e * e
        b += e * step
    return zero - b / a * row[DEPTH], a
