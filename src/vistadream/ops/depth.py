"""Depth maps as such: their edges, their normals, and the affine map between two of them.

A plane has disparity 1/z that is affine in the pixel coordinates, however oblique it is. Every edge test here
therefore looks at second differences of disparity, relative to the disparity itself: they vanish on planes, do not
change with the depth's unit, and are about the relative jump at an occlusion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera
from vistadream.ops.totals import total

EDGE_THRESHOLD = 0.05
"""Relative jump of depth that counts as an occlusion."""
MIN_PIXELS = 64
"""Fewer common pixels than this say nothing reliable about a scale and a shift."""
_ENOUGH_PIXELS = 20_000
"""About so many say as much as all."""


def _neighbours(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The previous and the next pixel along a dimension; the border repeats itself."""
    n = x.shape[dim]
    before = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, n - 1)], dim)
    return before, torch.cat([x.narrow(dim, 1, n - 1), x.narrow(dim, n - 1, 1)], dim)


def _has_neighbours(valid: Bool[Tensor, "h w"], dim: int) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Where a valid pixel has a valid previous and a valid next pixel inside the image."""
    before, after = _neighbours(valid, dim)
    before, after = valid & before, valid & after
    before.select(dim, 0).fill_(False)
    after.select(dim, -1).fill_(False)
    return before, after


def _bend(z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], dim: int) -> Float[Tensor, "h w"]:
    """Second difference of disparity along a dimension, over the neighbours' mean disparity; 0 where one is missing."""
    disparity = 1 / torch.where(valid, z, 1.0)
    before, after = _neighbours(disparity, dim)
    has_before, has_after = _has_neighbours(valid, dim)
    bend = (before - 2 * disparity + after).abs() / (0.5 * (before + after))
    return torch.where(has_before & has_after, bend, 0.0)


def relative_depth_edges(
    z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], threshold: float = EDGE_THRESHOLD
) -> Bool[Tensor, "h w"]:
    """Pixels on either side of an occlusion: where depth jumps by more than `threshold` of itself off any plane.

    `z` must be positive where `valid`; elsewhere it is ignored and nothing is marked. A lone pixel in mid-air between
    two sides has no bend of its own and is marked because both its neighbours are.
    """
    edges = torch.zeros_like(valid)
    for dim in (0, 1):
        bent = _bend(z, valid, dim) > threshold
        before, after = _neighbours(bent, dim)
        edges |= bent | (before & after & valid)
    return edges


def sharpen_depth_edges(
    z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], threshold: float = EDGE_THRESHOLD, passes: int = 4
) -> Float[Tensor, "h w"]:
    """Flying pixels beside depth edges snap to the nearer or the farther side, whichever is closer in disparity.

    The toggle operator of morphology (Kramer and Bruckner 1975) on 5x5 windows, only within reach of an edge and only
    where the pixel differs from both extremes of its window by over half the threshold. Ramps up to about five pixels
    wide become steps in four passes; everything else is returned as it came, invalid pixels included.
    """
    for _ in range(passes):
        edges = relative_depth_edges(z, valid, threshold)
        reach = F.max_pool2d(edges[None].float(), 5, 1, 2)[0] > 0
        near = -F.max_pool2d(torch.where(valid, -z, -torch.inf)[None], 5, 1, 2)[0]
        far = F.max_pool2d(torch.where(valid, z, -torch.inf)[None], 5, 1, 2)[0]
        gap_near, gap_far = z / near - 1, 1 - z / far
        flying = reach & valid & (torch.minimum(gap_near, gap_far) > 0.5 * threshold)
        z = torch.where(flying, torch.where(gap_near <= gap_far, near, far), z)
    return z


def smooth_depth(z: Float[Tensor, "h w"], sigma_log: float, sigma_px: float = 3.0) -> Float[Tensor, "h w"]:
    """Sensor noise taken out: two passes of a bilateral filter (Tomasi and Manduchi 1998) on log z.

    Depths that differ by more than a few `sigma_log` do not mix, so edges stay. `z` must be positive everywhere.
    """
    log_z = torch.log(z).numpy()
    for _ in range(2 if sigma_log > 0 else 0):
        log_z = cv2.bilateralFilter(log_z, 2 * round(sigma_px) + 1, sigma_log, sigma_px)
    return torch.exp(torch.from_numpy(log_z))


def _tangent(
    points: Float[Tensor, "h w 3"], z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], dim: int
) -> tuple[Float[Tensor, "h w 3"], Bool[Tensor, "h w"]]:
    """Difference of points along a dimension that stays on the pixel's own surface, and where there is one."""
    before, after = _neighbours(points, dim)
    has_before, has_after = _has_neighbours(valid, dim)
    backward, forward = points - before, after - points
    step_back = torch.where(has_before, backward[..., 2].abs(), torch.inf)
    step_on = torch.where(has_after, forward[..., 2].abs(), torch.inf)
    one_sided = torch.where((step_on <= step_back)[..., None], forward, backward)
    central = has_before & has_after & (_bend(z, valid, dim) <= EDGE_THRESHOLD)
    return torch.where(central[..., None], backward + forward, one_sided), has_before | has_after


def normals_from_depth(
    camera: Camera, z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"]
) -> tuple[Float[Tensor, "h w 3"], Bool[Tensor, "h w"]]:
    """Unit normals in camera axes, facing the camera, and the pixels that have one; (0, 0, -1) elsewhere.

    Cross product of central differences of the unprojected points; at depth edges, borders and invalid neighbours, of
    the one-sided difference that changes depth less. Exact on planes.
    """
    z = torch.where(valid, z, 1.0)
    rays = camera.rays().to(z)
    points = rays * z[..., None]
    along_v, has_v = _tangent(points, z, valid, 0)
    along_u, has_u = _tangent(points, z, valid, 1)
    normals = torch.linalg.cross(along_v / z[..., None], along_u / z[..., None])
    length = normals.norm(dim=-1)
    has_normal = valid & has_u & has_v & (length > 0)
    normals = normals / torch.where(has_normal, length, 1.0)[..., None]
    normals = torch.where(((normals * rays).sum(-1) > 0)[..., None], -normals, normals)
    return torch.where(has_normal[..., None], normals, normals.new_tensor([0.0, 0.0, -1.0])), has_normal


@dataclass(frozen=True)
class Alignment:
    """target = scale * source + shift, and how it was found."""

    scale: float
    shift: float
    n_pixels: int
    """Pixels that had a say."""
    reason: str | None = None
    """Why the affine fit was given up for the median ratio; None when it was not."""

    def apply(self, source: Tensor) -> Tensor:
        """scale * source + shift."""
        return self.scale * source + self.shift

    def words(self) -> str:
        """For people."""
        return f"scale {self.scale:.3f}, shift {self.shift:+.4f}" if self.reason is None else self.reason


def _weighted_line(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and intercept of least squares; sums about the means, which keeps them well conditioned."""
    weight = total(w)
    mean_x, mean_y = total(w * x) / weight, total(w * y) / weight
    slope = total(w * (x - mean_x) * (y - mean_y)) / total(w * (x - mean_x) ** 2)
    return slope, mean_y - slope * mean_x


def weighted_median(values: Float[Tensor, "n"], weights: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """The smallest value that at least half of the weight does not exceed; equal weights give `Tensor.median`."""
    if bool((weights == weights[0]).all()):
        return values.median()
    ordered, index = values.sort()
    reached = weights[index].cumsum(0)
    return ordered[torch.searchsorted(reached, 0.5 * reached[-1])]


def _median_ratio(x: Tensor, y: Tensor, w: Tensor, reason: str) -> Alignment:
    use = (x > 0) & (y > 0)
    ratio = float(weighted_median((y / x)[use], w[use])) if bool(use.any()) else 1.0
    return Alignment(ratio, 0.0, len(x), reason)


@torch.no_grad()
def align_scale_shift(
    source: Float[Tensor, "*n"], target: Float[Tensor, "*n"], weight: Float[Tensor, "*n"], rounds: int = 20
) -> Alignment:
    """Robust scale and shift that bring `source` to `target` (depths or disparities) where `weight` > 0.

    Weighted least squares, reweighted by the Geman-McClure factor 1 / (1 + (r/s)^2)^2 with s = 1.4826 MAD of the
    residuals r, a weighted median. A fit without support (under MIN_PIXELS finite pixels, a constant source, a
    scale <= 0) falls back to the median ratio with no shift, and says why.
    """
    use = (weight > 0) & source.isfinite() & target.isfinite()
    x, y, w = (t[use].double() for t in (source, target, weight))
    if len(x) < MIN_PIXELS:
        return _median_ratio(x, y, w, f"only {len(x)} common pixels, fewer than {MIN_PIXELS}")
    if float(x.std()) <= 1e-6 * float(x.abs().mean()):
        return _median_ratio(x, y, w, "the source is constant")
    scale, shift = _weighted_line(x, y, w)
    floor = 1e-9 * y.abs().mean() + torch.finfo(torch.float64).tiny
    for _ in range(rounds):
        residual = (scale * x + shift - y).abs()
        spread = (1.4826 * weighted_median(residual, w)).clamp(min=floor)
        scale, shift = _weighted_line(x, y, w / (1 + (residual / spread) ** 2) ** 2)
    if not float(scale) > 0:
        return _median_ratio(x, y, w, f"the fitted scale {float(scale):.3g} is not positive")
    return Alignment(float(scale), float(shift), len(x))


def align_evenly_picked(
    source: Float[Tensor, "n"], target: Float[Tensor, "n"], weight: Float[Tensor, "n"]
) -> Alignment:
    """`align_scale_shift` of each so many-th pixel, so that about _ENOUGH_PIXELS have a say."""
    step = max(1, len(source) // _ENOUGH_PIXELS)
    return align_scale_shift(source[::step], target[::step], weight[::step])
