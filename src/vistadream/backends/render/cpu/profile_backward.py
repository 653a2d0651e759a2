"""The gradient of a Gaussian from the sums of its splat along the rays: the chain rule through `profile`.

With r the ray through a pixel, P the inverse covariance and mu the mean in camera axes, a = r.P r, peak = r.P mu / a:
d peak / d mu = P r / a, and d peak / d P = r (mu - peak r)^T / a, made symmetric.
"""

from vistadream.backends.render.cpu.profile import camera_axis, clamped_scale
from vistadream.ops.numerics.jit import inlined


@inlined(error_model="numpy")
def add_ray_grads(i, sums, scales, work, cam_from_world, lens, scales_grad, to_axes):
    """Adds to the gradient of scales[i], fills that of its axes (columns), returns that of its mean, in camera axes."""
    from_precision, from_ray = _about_rays(sums, work.xyz, lens)
    to_x, to_y, to_z = 0.0, 0.0, 0.0
    for k in range(3):
        x, y, z = camera_axis(k, work.rotation, cam_from_world)
        scale = clamped_scale(scales[i, k], work.xyz[2])
        per_scale2 = 1.0 / (scale * scale)
        for r in range(3):
            row = from_precision[r]
            to_axes[r, k] = 2.0 * per_scale2 * (row[0] * x + row[1] * y + row[2] * z)
        if scale == abs(scales[i, k]):
            scales_grad[i, k] -= (to_axes[0, k] * x + to_axes[1, k] * y + to_axes[2, k] * z) / scales[i, k]
        of_ray = per_scale2 * (x * from_ray[0] + y * from_ray[1] + z * from_ray[2])
        to_x, to_y, to_z = to_x + of_ray * x, to_y + of_ray * y, to_z + of_ray * z
    return to_x, to_y, to_z


@inlined(error_model="numpy")
def _about_rays(sums, xyz, lens):
    """The gradient of P, and the sum of k r, from moments in pixels about the ray (x, y, 1) through the center."""
    px, py = 1.0 / lens.fx, 1.0 / lens.fy
    x, y = xyz[0] / xyz[2], xyz[1] / xyz[2]
    one, across_x, across_y = sums[0], sums[1] * px, sums[2] * py
    xx = one * x * x + 2.0 * x * across_x + sums[3] * px * px
    xy = one * x * y + x * across_y + y * across_x + sums[4] * px * py
    yy = one * y * y + 2.0 * y * across_y + sums[5] * py * py
    xz, yz = one * x + across_x, one * y + across_y
    from_ray = sums[6] * x + sums[7] * px, sums[6] * y + sums[8] * py, sums[6]
    return ((xx, xy, xz), (xy, yy, yz), (xz, yz, one)), from_ray
