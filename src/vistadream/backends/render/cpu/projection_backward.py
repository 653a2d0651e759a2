"""From the sums of a splat to the gradient of its Gaussian: the chain rule back through `projection.project`."""

import numpy as np

from vistadream.backends.render.cpu.backward import MOMENTS
from vistadream.backends.render.cpu.projection import (
    clamped_slopes,
    covariance,
    linearise,
    make_work,
    quaternion_norm,
)
from vistadream.ops.jit import inlined, kernel


@kernel(nogil=True, error_model="numpy")
def unproject(first, last, order, bins, slots, gaussians, with_z, cam_from_world, lens, grads):
    """Adds up the slots of the splats [first, last) and writes the gradients of the Gaussians order[first:last]."""
    work = make_work()
    sums = np.empty(slots.shape[1])
    from_turned = np.empty((2, 3))
    channels = gaussians.features.shape[1]
    for s in range(first, last):
        if bins.first_pair[s] == bins.first_pair[s + 1]:
            continue
        _add_slots(s, bins, slots, sums)
        i = order[s]
        linearise(i, gaussians, cam_from_world, lens, work)
        grads.opacities[i] = sums[0] / gaussians.opacities[i]
        for k in range(channels):
            grads.features[i, k] = sums[MOMENTS + k]
        grad_x, grad_y = _shape_grads(i, gaussians.scales, sums, lens, work, grads.scales, from_turned)
        _rotation_grad(i, gaussians.quats_wxyz, work, from_turned, grads.quats_wxyz)
        grad_z = sums[MOMENTS + channels] if with_z else 0.0
        _mean_grad(i, grad_x, grad_y, grad_z, from_turned, cam_from_world, lens, work, grads.means)


@inlined(error_model="numpy")
def _add_slots(s, bins, slots, sums):
    sums[:] = 0.0
    for pair in range(bins.first_pair[s], bins.first_pair[s + 1]):
        slot = bins.slot_of_pair[pair]
        for k in range(len(sums)):
            sums[k] += slots[slot, k]


@inlined(error_model="numpy")
def _shape_grads(i, scales, sums, lens, work, scales_grad, from_turned):
    """Fills the gradients of scales[i] and work.turned; returns that of the centre in pixels.

    With Q the inverse of the screen covariance U U^T + eps and S the second moments, d loss / d U = Q S Q U.
    """
    xx, xy, yy, det = covariance(i, scales, work.turned, lens.eps2d_px2)
    per_det = 1.0 / det
    q_xx, q_xy, q_yy = yy * per_det, -xy * per_det, xx * per_det
    s_xx, s_xy, s_yy = sums[3], sums[4], sums[5]
    sq_xx, sq_xy = s_xx * q_xx + s_xy * q_xy, s_xx * q_xy + s_xy * q_yy
    sq_yx, sq_yy = s_xy * q_xx + s_yy * q_xy, s_xy * q_xy + s_yy * q_yy
    g_xx, g_xy, g_yy = q_xx * sq_xx + q_xy * sq_yx, q_xx * sq_xy + q_xy * sq_yy, q_xy * sq_xy + q_yy * sq_yy
    for c in range(3):
        a, b = work.turned[0, c] * scales[i, c], work.turned[1, c] * scales[i, c]
        from_a, from_b = g_xx * a + g_xy * b, g_xy * a + g_yy * b
        scales_grad[i, c] = from_a * work.turned[0, c] + from_b * work.turned[1, c]
        from_turned[0, c] = from_a * scales[i, c]
        from_turned[1, c] = from_b * scales[i, c]
    return q_xx * sums[1] + q_xy * sums[2], q_xy * sums[1] + q_yy * sums[2]


@inlined(error_model="numpy")
def _rotation_grad(i, quats, work, from_turned, quats_grad):
    """Fills the gradient of quaternion i as it was given, before its normalisation."""
    p, t = work.jacobian, from_turned
    w, x, y, z = work.quat[0], work.quat[1], work.quat[2], work.quat[3]
    d00, d01, d02 = _outer(p, t, 0, 0), _outer(p, t, 0, 1), _outer(p, t, 0, 2)
    d10, d11, d12 = _outer(p, t, 1, 0), _outer(p, t, 1, 1), _outer(p, t, 1, 2)
    d20, d21, d22 = _outer(p, t, 2, 0), _outer(p, t, 2, 1), _outer(p, t, 2, 2)
    to_w = 2 * (x * (d21 - d12) + y * (d02 - d20) + z * (d10 - d01))
    to_x = 2 * (y * (d01 + d10) + z * (d02 + d20) - 2 * x * (d11 + d22) + w * (d21 - d12))
    to_y = 2 * (x * (d01 + d10) + z * (d12 + d21) - 2 * y * (d00 + d22) + w * (d02 - d20))
    to_z = 2 * (x * (d02 + d20) + y * (d12 + d21) - 2 * z * (d00 + d11) + w * (d10 - d01))
    along = w * to_w + x * to_x + y * to_y + z * to_z
    per_norm = 1.0 / quaternion_norm(i, quats)
    quats_grad[i, 0], quats_grad[i, 1] = (to_w - along * w) * per_norm, (to_x - along * x) * per_norm
    quats_grad[i, 2], quats_grad[i, 3] = (to_y - along * y) * per_norm, (to_z - along * z) * per_norm


@inlined(error_model="numpy")
def _outer(jacobian, from_turned, row, column):
    """One element of d loss / d rotation."""
    return jacobian[0, row] * from_turned[0, column] + jacobian[1, row] * from_turned[1, column]


@inlined(error_model="numpy")
def _mean_grad(i, grad_x, grad_y, grad_z, from_turned, cam_from_world, lens, work, means_grad):
    """Fills the gradient of mean i, from those of the centre in pixels, of its depth, and of the linearisation."""
    m, z = cam_from_world, work.xyz[2]
    per_z = 1.0 / z
    true_x, true_y = work.xyz[0] * per_z, work.xyz[1] * per_z
    slope_x, slope_y = clamped_slopes(true_x, true_y, lens)
    to_x, to_y, to_per_z = lens.fx * grad_x, lens.fy * grad_y, 0.0
    for c in range(3):
        to_row_x = _dot_rows(from_turned, 0, work.rotation, c)
        to_row_y = _dot_rows(from_turned, 1, work.rotation, c)
        to_per_z += (to_row_x * work.jacobian[0, c] + to_row_y * work.jacobian[1, c]) * z
        if slope_x == true_x:
            to_x -= lens.fx * per_z * to_row_x * m[2, c]
        if slope_y == true_y:
            to_y -= lens.fy * per_z * to_row_y * m[2, c]
    to_z = grad_z - (to_x * true_x + to_y * true_y + to_per_z * per_z) * per_z
    for c in range(3):
        means_grad[i, c] = (to_x * m[0, c] + to_y * m[1, c]) * per_z + to_z * m[2, c]


@inlined(error_model="numpy")
def _dot_rows(a, i, b, j):
    return a[i, 0] * b[j, 0] + a[i, 1] * b[j, 1] + a[i, 2] * b[j, 2]
