"""The gradients of a Gaussian and of the pose from the sums of its splat: the chain rule through `projection`."""

import numpy as np

from vistadream.backends.render.cpu.backward import MOMENTS
from vistadream.backends.render.cpu.profile_backward import add_ray_grads
from vistadream.backends.render.cpu.projection import (
    clamped_slopes,
    covariance,
    linearize,
    make_work,
    quaternion_norm,
    sharp_det,
)
from vistadream.ops.numerics.jit import inlined, kernel

BLOCK = 1024
"""Number of splats whose contributions to the pose's gradient are summed together; fixed, so that the result does not
depend on the number of threads."""


@kernel(nogil=True, error_model="numpy")
def unproject(first, last, bins, slots, ray_slots, gaussians, with_z, cam_from_world, lens, grads, pose_grads):
    """Sums the slots of the splats in the blocks [first, last) and writes the gradients of their Gaussians.

    pose_grads (blocks 3 4, initially 0) receives each block's part of the gradient of cam_from_world, unless empty.
    """
    work = make_work()
    sums, ray_sums = np.empty(slots.shape[1]), np.empty(ray_slots.shape[1])
    from_turned, to_rotation, to_axes = np.empty((2, 3)), np.empty((3, 3)), np.zeros((3, 3))
    channels = gaussians.features.shape[1]
    for i in range(first * BLOCK, min(last * BLOCK, len(gaussians.means))):
        if bins.first_pair[i] == bins.first_pair[i + 1]:
            continue
        # Opacity and features.
        _add_slots(i, bins, slots, sums)
        linearize(i, gaussians, cam_from_world, lens, work)
        grads.opacities[i] = sums[0] / gaussians.opacities[i]
        for k in range(channels):
            grads.features[i, k] = sums[MOMENTS + k]
        # Scales, and the mean in camera axes.
        grad_x, grad_y = _shape_grads(i, gaussians.scales, sums, lens, work, grads.scales, from_turned)
        _fill_rotation_grad(work, from_turned, to_rotation)
        grad_z = sums[MOMENTS + channels] if with_z else 0.0
        to_xyz = _xyz_grad(grad_x, grad_y, grad_z, from_turned, cam_from_world, lens, work)
        if len(ray_slots):
            _add_slots(i, bins, ray_slots, ray_sums)
            x, y, z = add_ray_grads(i, ray_sums, gaussians.scales, work, cam_from_world, lens, grads.scales, to_axes)
            to_xyz = to_xyz[0] + x, to_xyz[1] + y, to_xyz[2] + z
            _add_axes_grad(to_axes, cam_from_world, to_rotation)
        # Quaternion, mean in world axes, pose.
        _quat_grad(i, gaussians.quats_wxyz, work.quat, to_rotation, grads.quats_wxyz)
        for c in range(3):
            grads.means[i, c] = _dot_column(to_xyz, cam_from_world, c)
        if len(pose_grads):
            _add_pose_grad(i, to_xyz, from_turned, to_axes, gaussians.means, lens, work, pose_grads[i // BLOCK])


@inlined(error_model="numpy")
def _add_slots(i, bins, slots, sums):
    sums[:] = 0.0
    for pair in range(bins.first_pair[i], bins.first_pair[i + 1]):
        slot = bins.slot_of_pair[pair]
        for k in range(len(sums)):
            sums[k] += slots[slot, k]


@inlined(error_model="numpy")
def _shape_grads(i, scales, sums, lens, work, scales_grad, from_turned):
    """Fills the gradients of scales[i] and work.turned; returns that of the center in pixels.

    With Q the inverse of the screen covariance U U^T + eps and S the second moments, d loss / d U = Q S Q U. In mode
    antialiased, the compensation of the opacity adds m ((U U^T)^-1 - Q) U.
    """
    xx, xy, yy, det = covariance(i, scales, work.turned, lens.eps2d_px2)
    per_det = 1.0 / det
    q_xx, q_xy, q_yy = yy * per_det, -xy * per_det, xx * per_det
    s_xx, s_xy, s_yy = sums[3], sums[4], sums[5]
    sq_xx, sq_xy = s_xx * q_xx + s_xy * q_xy, s_xx * q_xy + s_xy * q_yy
    sq_yx, sq_yy = s_xy * q_xx + s_yy * q_xy, s_xy * q_xy + s_yy * q_yy
    g_xx, g_xy, g_yy = q_xx * sq_xx + q_xy * sq_yx, q_xx * sq_xy + q_xy * sq_yy, q_xy * sq_xy + q_yy * sq_yy
    if lens.antialiased:
        per_sharp = 1.0 / sharp_det(xx, xy, yy, lens.eps2d_px2)
        g_xx += sums[0] * ((yy - lens.eps2d_px2) * per_sharp - q_xx)
        g_xy += sums[0] * (-xy * per_sharp - q_xy)
        g_yy += sums[0] * ((xx - lens.eps2d_px2) * per_sharp - q_yy)
    for c in range(3):
        a, b = work.turned[0, c] * scales[i, c], work.turned[1, c] * scales[i, c]
        from_a, from_b = g_xx * a + g_xy * b, g_xy * a + g_yy * b
        scales_grad[i, c] = from_a * work.turned[0, c] + from_b * work.turned[1, c]
        from_turned[0, c] = from_a * scales[i, c]
        from_turned[1, c] = from_b * scales[i, c]
    return q_xx * sums[1] + q_xy * sums[2], q_xy * sums[1] + q_yy * sums[2]


@inlined(error_model="numpy")
def _fill_rotation_grad(work, from_turned, to_rotation):
    """Fills d loss / d rotation from the gradient of turned = jacobian @ rotation."""
    for r in range(3):
        for c in range(3):
            to_rotation[r, c] = work.jacobian[0, r] * from_turned[0, c] + work.jacobian[1, r] * from_turned[1, c]


@inlined(error_model="numpy")
def _quat_grad(i, quats, unit, d, quats_grad):
    """Fills the gradient of quaternion i before its normalization to `unit`, from d = d loss / d rotation."""
    w, x, y, z = unit[0], unit[1], unit[2], unit[3]
    xy, xz, yz = d[0, 1] + d[1, 0], d[0, 2] + d[2, 0], d[1, 2] + d[2, 1]
    turn_x, turn_y, turn_z = d[2, 1] - d[1, 2], d[0, 2] - d[2, 0], d[1, 0] - d[0, 1]
    to_w = 2 * (x * turn_x + y * turn_y + z * turn_z)
    to_x = 2 * (y * xy + z * xz - 2 * x * (d[1, 1] + d[2, 2]) + w * turn_x)
    to_y = 2 * (x * xy + z * yz - 2 * y * (d[0, 0] + d[2, 2]) + w * turn_y)
    to_z = 2 * (x * xz + y * yz - 2 * z * (d[0, 0] + d[1, 1]) + w * turn_z)
    along = w * to_w + x * to_x + y * to_y + z * to_z
    per_norm = 1.0 / quaternion_norm(i, quats)
    quats_grad[i, 0], quats_grad[i, 1] = (to_w - along * w) * per_norm, (to_x - along * x) * per_norm
    quats_grad[i, 2], quats_grad[i, 3] = (to_y - along * y) * per_norm, (to_z - along * z) * per_norm


@inlined(error_model="numpy")
def _xyz_grad(grad_x, grad_y, grad_z, from_turned, cam_from_world, lens, work):
    """The gradient of the mean in camera axes, from those of the center in pixels, its depth, and the linearization."""
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
    return to_x * per_z, to_y * per_z, to_z


@inlined(error_model="numpy")
def _add_pose_grad(i, to_xyz, from_turned, to_axes, means, lens, work, pose_grad):
    """Adds the gradient of the pose through mean i, through the projection's axes and through the Gaussian's axes."""
    per_z = 1.0 / work.xyz[2]
    slope_x, slope_y = clamped_slopes(work.xyz[0] * per_z, work.xyz[1] * per_z, lens)
    for c in range(3):
        to_row_x = lens.fx * per_z * _dot_rows(from_turned, 0, work.rotation, c)
        to_row_y = lens.fy * per_z * _dot_rows(from_turned, 1, work.rotation, c)
        pose_grad[0, c] += to_xyz[0] * means[i, c] + to_row_x
        pose_grad[1, c] += to_xyz[1] * means[i, c] + to_row_y
        pose_grad[2, c] += to_xyz[2] * means[i, c] - slope_x * to_row_x - slope_y * to_row_y
        pose_grad[c, 3] += to_xyz[c]
        for r in range(3):
            pose_grad[r, c] += _dot_rows(to_axes, r, work.rotation, c)


@inlined(error_model="numpy")
def _add_axes_grad(to_axes, cam_from_world, to_rotation):
    """Adds the gradient of a Gaussian's axes, given in camera axes, to that of its rotation."""
    for r in range(3):
        for c in range(3):
            for k in range(3):
                to_rotation[r, c] += cam_from_world[k, r] * to_axes[k, c]


@inlined(error_model="numpy")
def _dot_rows(a, i, b, j):
    return a[i, 0] * b[j, 0] + a[i, 1] * b[j, 1] + a[i, 2] * b[j, 2]


@inlined(error_model="numpy")
def _dot_column(a, b, j):
    return a[0] * b[0, j] + a[1] * b[1, j] + a[2] * b[2, j]
