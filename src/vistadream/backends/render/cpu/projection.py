"""3D Gaussians to 2D splats: EWA splatting (Zwicker et al. 2001) with the conventions of gsplat.

A splat is a row of float32: center x, y in pixels; A, B, C, D of its log2 opacity
`A dx^2 + B dx dy + C dy^2 + D` at an offset (dx, dy) from the center; then the channels to blend. All arithmetic is
float64: scalar code is as fast in float64, and the determinant of thin splats loses digits.
"""

import math
from typing import NamedTuple

import numpy as np

from vistadream.backends.render.cpu.profile import fill_profile
from vistadream.core import Camera
from vistadream.ops.numerics.jit import inlined, kernel

MIN_ALPHA = 1.0 / 255.0
MIN_LOG2_ALPHA = math.log2(MIN_ALPHA)
CENTER_X, CENTER_Y, QUAD_XX, QUAD_XY, QUAD_YY, LOG2_OPACITY, FEATURES = range(7)

_LOG2_E = math.log2(math.e)
_BOX_MARGIN_PX = 0.01  # a box must not lose a pixel by rounding; an additional pixel is skipped by its alpha


class Parameters(NamedTuple):
    """The parameters of n Gaussians to draw, or their gradients: float32 and contiguous."""

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
    min_slope_x: float  # lower bound of x/z at which the projection is linearized
    max_slope_x: float
    min_slope_y: float
    max_slope_y: float
    near_z: float
    far_z: float
    eps2d_px2: float
    antialiased: bool  # the blur spreads a splat's opacity instead of adding to it
    radius_clip_px: float  # splats with a smaller radius are left out


def make_lens(
    camera: Camera, near_z: float, far_z: float, eps2d_px2: float, antialiased: bool, radius_clip_px: float
) -> Lens:
    """The camera's Lens; the slopes are bounded at 15 % of the image outside its borders, as in 3DGS."""
    fx, fy, cx, cy, width, height = camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height
    slopes = (-0.15 * width - cx) / fx, (1.15 * width - cx) / fx, (-0.15 * height - cy) / fy, (1.15 * height - cy) / fy
    near_z, far_z, eps2d_px2, radius_clip_px = float(near_z), float(far_z), float(eps2d_px2), float(radius_clip_px)
    return Lens(fx, fy, cx, cy, width, height, *slopes, near_z, far_z, eps2d_px2, antialiased, radius_clip_px)


class Work(NamedTuple):
    """Intermediate values of one Gaussian, filled by `linearize`."""

    xyz: np.ndarray  # 3, mean in camera axes
    quat: np.ndarray  # 4, normalized
    rotation: np.ndarray  # 3 3, the matrix of that quaternion
    jacobian: np.ndarray  # 2 3, pixels per world unit
    turned: np.ndarray  # 2 3, jacobian @ rotation: the Gaussian's axes on the screen, before scaling


@kernel()
def make_work():
    """Memory for the values of one Gaussian."""
    return Work(np.empty(3), np.empty(4), np.empty((3, 3)), np.empty((2, 3)), np.empty((2, 3)))


@kernel(nogil=True, error_model="numpy")
def project(first, last, gaussians, with_z, cam_from_world, lens, keys, splats, boxes, profiles):
    """Fills the rows [first, last) of keys, splats, boxes (x0, y0, x1, y1 in pixels, end excluded) and profiles.

    A key sorts by float32 depth, then by number. The box is empty, and the other values are undefined, if the splat
    reaches MIN_ALPHA nowhere inside the image, its center is not between near_z and far_z, or a value is not finite.
    """
    depth = np.empty(1, np.float32)
    depth_bits = depth.view(np.uint32)
    work = make_work()
    channels = gaussians.features.shape[1]
    for i in range(first, last):
        # Cull by depth, opacity and non-finite values.
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = 0, 0, 0, 0
        depth[0] = _depth(i, gaussians.means, cam_from_world)
        if not (lens.near_z <= depth[0] <= lens.far_z and depth[0] < np.inf):
            continue
        keys[i] = (np.uint64(depth_bits[0]) << np.uint64(32)) | np.uint64(i)
        opacity = gaussians.opacities[i]
        if not MIN_ALPHA <= opacity < np.inf or not _has_finite_features(i, gaussians.features):
            continue
        if not linearize(i, gaussians, cam_from_world, lens, work):
            continue
        # Screen covariance, and the opacity after the blur.
        xx, xy, yy, det = covariance(i, gaussians.scales, work.turned, lens.eps2d_px2)
        if lens.antialiased:
            opacity *= math.sqrt(max(sharp_det(xx, xy, yy, lens.eps2d_px2) / det, 0.0))
        if not (0.0 < det < np.inf and opacity >= MIN_ALPHA):
            continue
        # Center, and the box in which alpha is at least MIN_ALPHA.
        x = lens.fx * work.xyz[0] / work.xyz[2] + lens.cx
        y = lens.fy * work.xyz[1] / work.xyz[2] + lens.cy
        log2_opacity = math.log2(opacity)
        reach = 2.0 / _LOG2_E * (log2_opacity - MIN_LOG2_ALPHA)
        reach_x, reach_y = math.sqrt(reach * xx), math.sqrt(reach * yy)
        if np.ceil(max(reach_x, reach_y)) <= lens.radius_clip_px:
            continue
        _fill_box(i, x, y, reach_x, reach_y, lens, boxes)
        # The splat's row: center, quadratic form of log2 alpha, channels, depth.
        splats[i, CENTER_X], splats[i, CENTER_Y] = x, y
        per_det = _LOG2_E / det
        splats[i, QUAD_XX] = -0.5 * per_det * yy
        splats[i, QUAD_XY] = per_det * xy
        splats[i, QUAD_YY] = -0.5 * per_det * xx
        splats[i, LOG2_OPACITY] = log2_opacity
        for k in range(channels):
            splats[i, FEATURES + k] = gaussians.features[i, k]
        if with_z:
            splats[i, FEATURES + channels] = work.xyz[2]
        if len(profiles):
            fill_profile(profiles[i], i, gaussians.scales, work, cam_from_world, lens)


@inlined(error_model="numpy")
def _depth(i, means, cam_from_world):
    m = cam_from_world
    return m[2, 0] * means[i, 0] + m[2, 1] * means[i, 1] + m[2, 2] * means[i, 2] + m[2, 3]


@inlined(error_model="numpy")
def _has_finite_features(i, features):
    total = 0.0  # a float64 sum of float32 values cannot overflow
    for k in range(features.shape[1]):
        total += features[i, k]
    return math.isfinite(total)


@inlined(error_model="numpy")
def _fill_box(i, x, y, reach_x, reach_y, lens, boxes):
    """Fills the box of pixels whose centers are within reach of (x, y), clipped to the image; none: it stays empty."""
    x0 = max(np.ceil(x - reach_x - 0.5 - _BOX_MARGIN_PX), 0.0)
    y0 = max(np.ceil(y - reach_y - 0.5 - _BOX_MARGIN_PX), 0.0)
    x1 = min(np.floor(x + reach_x + 0.5 + _BOX_MARGIN_PX), float(lens.width))
    y1 = min(np.floor(y + reach_y + 0.5 + _BOX_MARGIN_PX), float(lens.height))
    if x0 < x1 and y0 < y1:
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = x0, y0, x1, y1


@inlined(error_model="numpy")
def linearize(i, gaussians, cam_from_world, lens, work):
    """Fills `work` for Gaussian i; returns False if its quaternion is zero."""
    m, means, quats = cam_from_world, gaussians.means, gaussians.quats_wxyz
    norm = quaternion_norm(i, quats)
    if not norm > 0.0:
        return False
    per_norm = 1.0 / norm
    for c in range(4):
        work.quat[c] = quats[i, c] * per_norm
    _fill_rotation(work.quat, work.rotation)
    for r in range(3):
        work.xyz[r] = m[r, 0] * means[i, 0] + m[r, 1] * means[i, 1] + m[r, 2] * means[i, 2] + m[r, 3]
    per_z = 1.0 / work.xyz[2]
    slope_x, slope_y = clamped_slopes(work.xyz[0] * per_z, work.xyz[1] * per_z, lens)
    for c in range(3):
        work.jacobian[0, c] = lens.fx * per_z * (m[0, c] - slope_x * m[2, c])
        work.jacobian[1, c] = lens.fy * per_z * (m[1, c] - slope_y * m[2, c])
    for r in range(2):
        for c in range(3):
            work.turned[r, c] = (
                work.jacobian[r, 0] * work.rotation[0, c]
                + work.jacobian[r, 1] * work.rotation[1, c]
                + work.jacobian[r, 2] * work.rotation[2, c]
            )
    return True


@inlined(error_model="numpy")
def quaternion_norm(i, quats):
    """The length of quaternion i."""
    return math.sqrt(quats[i, 0] ** 2.0 + quats[i, 1] ** 2.0 + quats[i, 2] ** 2.0 + quats[i, 3] ** 2.0)


@inlined(error_model="numpy")
def clamped_slopes(slope_x, slope_y, lens):
    """x/z and y/z at which the projection is linearized, within the bounds of `lens`."""
    slope_x = min(max(slope_x, lens.min_slope_x), lens.max_slope_x)
    slope_y = min(max(slope_y, lens.min_slope_y), lens.max_slope_y)
    return slope_x, slope_y


@inlined(error_model="numpy")
def _fill_rotation(quat, out):
    w, x, y, z = quat[0], quat[1], quat[2], quat[3]
    out[0, 0], out[0, 1], out[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    out[1, 0], out[1, 1], out[1, 2] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    out[2, 0], out[2, 1], out[2, 2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)


@inlined(error_model="numpy")
def covariance(i, scales, turned, eps2d_px2):
    """xx, xy, yy and the determinant of the blurred screen covariance of Gaussian i in px^2."""
    xx, xy, yy = eps2d_px2, 0.0, eps2d_px2
    for c in range(3):
        a, b = turned[0, c] * scales[i, c], turned[1, c] * scales[i, c]
        xx += a * a
        xy += a * b
        yy += b * b
    return xx, xy, yy, xx * yy - xy * xy


@inlined(error_model="numpy")
def sharp_det(xx, xy, yy, eps2d_px2):
    """The determinant of a screen covariance before the blur."""
    return (xx - eps2d_px2) * (yy - eps2d_px2) - xy * xy
