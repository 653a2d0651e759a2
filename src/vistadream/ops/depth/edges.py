"""Edges of depth maps, and filters that preserve them.

On a plane, however oblique, the disparity 1/z is affine in the pixel coordinates. Every edge test here therefore uses
second differences of disparity relative to the disparity: they are zero on planes, do not depend on the unit of depth,
and are about equal to the relative jump at an occlusion.
"""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

EDGE_THRESHOLD = 0.05
"""Relative jump of depth that counts as an occlusion."""
_RUN_PX = 11
"""More pixels than a ramp between two surfaces has."""


def neighbors(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The previous and the next pixel along a dimension; the border pixels are repeated."""
    n = x.shape[dim]
    before = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, n - 1)], dim)
    return before, torch.cat([x.narrow(dim, 1, n - 1), x.narrow(dim, n - 1, 1)], dim)


def has_neighbors(valid: Bool[Tensor, "h w"], dim: int) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Which valid pixels have a valid previous pixel, and which a valid next pixel, inside the image."""
    before, after = neighbors(valid, dim)
    before, after = valid & before, valid & after
    before.select(dim, 0).fill_(False)
    after.select(dim, -1).fill_(False)
    return before, after


def bend(z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], dim: int) -> Float[Tensor, "h w"]:
    """Second difference of disparity along a dimension, divided by the neighbors' mean disparity.

    0 where the pixel or one of its two neighbors is not valid.
    """
    disparity = 1 / torch.where(valid, z, 1.0)
    before, after = neighbors(disparity, dim)
    has_before, has_after = has_neighbors(valid, dim)
    second_difference = (before - 2 * disparity + after).abs() / (0.5 * (before + after))
    return torch.where(has_before & has_after, second_difference, 0.0)


def relative_depth_edges(
    z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], threshold: float = EDGE_THRESHOLD
) -> Bool[Tensor, "h w"]:
    """Pixels on both sides of an occlusion: where the relative jump of depth exceeds `threshold` and is not a plane.

    `z` must be positive where `valid`; elsewhere it is ignored and nothing is marked. A single pixel halfway between
    the two sides has a second difference of zero; it is marked because both its neighbors are.
    """
    edges = torch.zeros_like(valid)
    for dim in (0, 1):
        bent = bend(z, valid, dim) > threshold
        before, after = neighbors(bent, dim)
        edges |= bent | (before & after & valid)
    return edges


def sharpen_depth_edges(
    z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], threshold: float = EDGE_THRESHOLD, passes: int = 4
) -> Float[Tensor, "h w"]:
    """Moves flying pixels next to depth edges to the nearer or the farther side, whichever is closer in disparity.

    This is the toggle operator of morphology (Kramer and Bruckner 1975) on 5x5 windows. It acts only near an edge, and
    only where the pixel differs from both extremes of its window by more than half the threshold, and is not part of a
    surface that goes on for longer than a ramp, such as a floor behind the legs of a chair. Ramps of up to about five
    pixels become steps in four passes; all other pixels, invalid ones included, are returned unchanged.
    """
    surface = _on_surface(z, valid, 0.2 * threshold)
    for _ in range(passes):
        # The two candidates of each pixel near an edge: the nearest and the farthest depth in its window.
        edges = relative_depth_edges(z, valid, threshold)
        reach = F.max_pool2d(edges[None].float(), 5, 1, 2)[0] > 0
        near = -F.max_pool2d(torch.where(valid, -z, -torch.inf)[None], 5, 1, 2)[0]
        far = F.max_pool2d(torch.where(valid, z, -torch.inf)[None], 5, 1, 2)[0]
        # A pixel that is far from both is flying; it takes the closer one.
        gap_near, gap_far = z / near - 1, 1 - z / far
        flying = reach & valid & ~surface & (torch.minimum(gap_near, gap_far) > 0.5 * threshold)
        z = torch.where(flying, torch.where(gap_near <= gap_far, near, far), z)
    return z


def _on_surface(z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], threshold: float) -> Bool[Tensor, "h w"]:
    """Pixels whose disparity changes evenly along more than a ramp's length of pixels, in both directions."""
    runs = []
    for dim in (0, 1):
        even = (valid & (bend(z, valid, dim) <= threshold))[None].float()
        size, pad = ((_RUN_PX, 1), (_RUN_PX // 2, 0)) if dim == 0 else ((1, _RUN_PX), (0, _RUN_PX // 2))
        shorter = -F.max_pool2d(-even, size, 1, pad)
        grown = tuple(n + 2 if n > 1 else 1 for n in size)  # the pixel at each end of a run is in line with it
        runs.append(F.max_pool2d(shorter, grown, 1, tuple(n // 2 for n in grown))[0] > 0)
    return runs[0] & runs[1] & valid


def smooth_depth(z: Float[Tensor, "h w"], sigma_log: float, sigma_px: float = 3.0) -> Float[Tensor, "h w"]:
    """Removes sensor noise by two passes of a bilateral filter (Tomasi and Manduchi 1998) on log z.

    Depths that differ by more than a few `sigma_log` are not mixed, which preserves edges. `z` must be positive
    everywhere. A `sigma_log` of 0 changes nothing. OpenCV filters on the CPU, once for a View.
    """
    log_z = torch.log(z).cpu().numpy()
    for _ in range(2 if sigma_log > 0 else 0):
        log_z = cv2.bilateralFilter(log_z, 2 * round(sigma_px) + 1, sigma_log, sigma_px)
    return torch.exp(torch.from_numpy(log_z).to(z.device))
