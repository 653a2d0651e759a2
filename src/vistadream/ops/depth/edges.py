"""Edges of depth maps, and the filters that respect them.

A plane has disparity 1/z that is affine in the pixel coordinates, however oblique it is. Every edge test here
therefore looks at second differences of disparity, relative to the disparity itself: they vanish on planes, do not
change with the depth's unit, and are about the relative jump at an occlusion.
"""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

EDGE_THRESHOLD = 0.05
"""Relative jump of depth that counts as an occlusion."""


def neighbors(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The previous and the next pixel along a dimension; the border repeats itself."""
    n = x.shape[dim]
    before = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, n - 1)], dim)
    return before, torch.cat([x.narrow(dim, 1, n - 1), x.narrow(dim, n - 1, 1)], dim)


def has_neighbors(valid: Bool[Tensor, "h w"], dim: int) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Where a valid pixel has a valid previous and a valid next pixel inside the image."""
    before, after = neighbors(valid, dim)
    before, after = valid & before, valid & after
    before.select(dim, 0).fill_(False)
    after.select(dim, -1).fill_(False)
    return before, after


def bend(z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], dim: int) -> Float[Tensor, "h w"]:
    """Second difference of disparity along a dimension, over the neighbors' mean disparity; 0 where one is missing."""
    disparity = 1 / torch.where(valid, z, 1.0)
    before, after = neighbors(disparity, dim)
    has_before, has_after = has_neighbors(valid, dim)
    second_difference = (before - 2 * disparity + after).abs() / (0.5 * (before + after))
    return torch.where(has_before & has_after, second_difference, 0.0)


def relative_depth_edges(
    z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], threshold: float = EDGE_THRESHOLD
) -> Bool[Tensor, "h w"]:
    """Pixels on either side of an occlusion: where depth jumps by more than `threshold` of itself off any plane.

    `z` must be positive where `valid`; elsewhere it is ignored and nothing is marked. A lone pixel in mid-air between
    two sides has no bend of its own and is marked because both its neighbors are.
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
