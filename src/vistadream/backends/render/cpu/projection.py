"""3D Gaussians to 2D splats: EWA splatting (Zwicker et al. 2001) with the conventions of gsplat's `classic` mode.

A splat is a row of float32: centre x, y in pixels; A, B, C, D of its log2 opacity
`A dx^2 + B dx dy + C dy^2 + D` at an offset (dx, dy) from the centre; then the channels to blend. All arithmetic is
float64: it is scalar code, costs the same, and thin splats lose digits in their determinant.
"""

import math
from typing import NamedTuple

import numpy as np

from vistadream.ops.jit import kernel

SCALAR = {"nogil": True, "error_model": "numpy"}
MIN_ALPHA = 1.0 / 255.0
CENTER_X, CENTER_Y, QUAD_XX, QUAD_XY, QUAD_YY, LOG2_OPACITY, FEATURES = range(7)
CULLED = np.uint64(0xFFFFFFFFFFFFFFFF)

_LOG2_E = math.log2(math.e)
_BOX_MARGIN_PX = 0.01  # the pixel test decides; a box only must not lose a pixel to rounding


class Parameters(NamedTuple):
    """What is drawn of n Gaussians, or its gradient: float32 and contiguous."""

    means: np.ndarray  # n 3
    quats_wxyz: np.ndarray  # n 4
    scales: np.ndarray  # n 3
    opacities: np.ndarray  # n
    features: np.ndarray  # n c, the channels to blend


class Lens(NamedTuple):
    """Intrinsics in pixels with the clipping and blurring knobs."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    near_z: float
    far_z: float
    eps2d_px2: float


class Work(NamedTuple):
    """Intermediate values of one Gaussian, filled by `linearise`."""

    xyz: np.ndarray  # 3, mean in camera axes
    quat: np.ndarray  # 4, normalised
    rotation: np.ndarray  # 3 3, of that quaternion
    jacobian: np.ndarray  # 2 3, pixels per world unit
    turned: np.ndarray  # 2 3, jacobian @ rotation: the Gaussian's axes on the screen, before scaling


@kernel(**SCALAR)
def make_work():
    """Space for the values of one Gaussian."""
    return Work(np.empty(3), np.empty(4), np.empty((3, 3)), np.empty((2, 3)), np.empty((2, 3)))


@kernel(**SCALAR)
def depth_keys(first, last, means, cam_from_world, lens, keys):
    """keys[i] sorts Gaussian i by float32 depth, then by index; CULLED where it is not between near_z and far_z."""
    m = cam_from_world
    depth = np.empty(1, np.float32)
    bits = depth.view(np.uint32)
    for i in range(first, last):
        depth[0] = m[2, 0] * means[i, 0] + m[2, 1] * means[i, 1] + m[2, 2] * means[i, 2] + m[2, 3]
        keys[i] = CULLED
        if lens.near_z < depth[0] < lens.far_z:
            keys[i] = (np.uint64(bits[0]) << np.uint64(32)) | np.uint64(i)


@kernel(**SCALAR)
def project(first, last, order, gaussians, with_z, cam_from_world, lens, splats, boxes):
    """Fills splats[s] and boxes[s] (x0, y0, x1, y1 in pixels, ends excluded) from Gaussian order[s].

    The box is empty where nothing of the splat reaches MIN_ALPHA inside the image, or where a value is not finite.
    """
    work = make_work()
    channels = gaussians.features.shape[1]
    for s in range(first, last):
        i = order[s]
        boxes[s] = 0
        opacity = gaussians.opacities[i]
        if not MIN_ALPHA <= opacity < np.inf or not _all_finite(gaussians.features[i]):
            continue
        if not linearise(gaussians.means[i], gaussians.quats_wxyz[i], cam_from_world, lens, work):
            continue
        xx, xy, yy, det = covariance(work.turned, gaussians.scales[i], lens.eps2d_px2)
        if not 0.0 < det < np.inf:
            continue
        x = lens.fx * work.xyz[0] / work.xyz[2] + lens.cx
        y = lens.fy * work.xyz[1] / work.xyz[2] + lens.cy
        reach = 2.0 * math.log(opacity / MIN_ALPHA)
        _fill_box(x, y, math.sqrt(reach * xx), math.sqrt(reach * yy), lens, boxes[s])
        splat = splats[s]
        splat[CENTER_X], splat[CENTER_Y] = x, y
        splat[QUAD_XX] = -0.5 * _LOG2_E * yy / det
        splat[QUAD_XY] = _LOG2_E * xy / det
        splat[QUAD_YY] = -0.5 * _LOG2_E * xx / det
        splat[LOG2_OPACITY] = math.log2(opacity)
        for k in range(channels):
            splat[FEATURES + k] = gaussians.features[i, k]
        if with_z:
            splat[FEATURES + channels] = work.xyz[2]


@kernel(**SCALAR)
def _all_finite(values):
    total = 0.0  # float32 values cannot overflow it
    for value in values:
        total += value
    return math.isfinite(total)


@kernel(**SCALAR)
def _fill_box(x, y, reach_x, reach_y, lens, box):
    """Pixels whose centres lie within reach of (x, y), clipped to the image; left empty (0 0 0 0) if there are none."""
    x0 = max(np.ceil(x - reach_x - 0.5 - _BOX_MARGIN_PX), 0.0)
    y0 = max(np.ceil(y - reach_y - 0.5 - _BOX_MARGIN_PX), 0.0)
    x1 = min(np.floor(x + reach_x + 0.5 + _BOX_MARGIN_PX), float(lens.width))
    y1 = min(np.floor(y + reach_y + 0.5 + _BOX_MARGIN_PX), float(lens.height))
    if x0 < x1 and y0 < y1:
        box[0], box[1], box[2], box[3] = x0, y0, x1, y1


@kernel(**SCALAR)
def linearise(mean, quat, cam_from_world, lens, work):
    """Fills `work`; False if the quaternion has no direction."""
    m = cam_from_world
    norm = math.sqrt(quat[0] ** 2.0 + quat[1] ** 2.0 + quat[2] ** 2.0 + quat[3] ** 2.0)
    if not norm > 0.0:
        return False
    for c in range(4):
        work.quat[c] = quat[c] / norm
    _fill_rotation(work.quat, work.rotation)
    for r in range(3):
        work.xyz[r] = m[r, 0] * mean[0] + m[r, 1] * mean[1] + m[r, 2] * mean[2] + m[r, 3]
    slope_x, slope_y = clamped_slopes(work.xyz, lens)
    for c in range(3):
        work.jacobian[0, c] = lens.fx / work.xyz[2] * (m[0, c] - slope_x * m[2, c])
        work.jacobian[1, c] = lens.fy / work.xyz[2] * (m[1, c] - slope_y * m[2, c])
    for r in range(2):
        p = work.jacobian[r]
        for c in range(3):
            work.turned[r, c] = p[0] * work.rotation[0, c] + p[1] * work.rotation[1, c] + p[2] * work.rotation[2, c]
    return True


@kernel(**SCALAR)
def clamped_slopes(xyz, lens):
    """x/z and y/z where the projection is linearised: at most 15 % of the image outside it, as 3DGS does."""
    low_x, high_x = (-0.15 * lens.width - lens.cx) / lens.fx, (1.15 * lens.width - lens.cx) / lens.fx
    low_y, high_y = (-0.15 * lens.height - lens.cy) / lens.fy, (1.15 * lens.height - lens.cy) / lens.fy
    return min(max(xyz[0] / xyz[2], low_x), high_x), min(max(xyz[1] / xyz[2], low_y), high_y)


@kernel(**SCALAR)
def _fill_rotation(quat, out):
    w, x, y, z = quat[0], quat[1], quat[2], quat[3]
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)


@kernel(**SCALAR)
def covariance(turned, scale, eps2d_px2):
    """xx, xy, yy and the determinant of the blurred screen covariance in px^2."""
    xx, xy, yy = eps2d_px2, 0.0, eps2d_px2
    for c in range(3):
        a, b = turned[0, c] * scale[c], turned[1, c] * scale[c]
        xx += a * a
        xy += a * b
        yy += b * b
    return xx, xy, yy, xx * yy - xy * xy
