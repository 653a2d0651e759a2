"""Metrics of a scene's consistency between views: holes, flying pixels, and reprojection errors."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera
from vistadream.ops.depth.edges import EDGE_THRESHOLD, relative_depth_edges


def largest_hole(alpha: Float[Tensor, "h w"], threshold: float = 0.5) -> float:
    """Area of the largest connected region with alpha below `threshold`, as a share of the picture."""
    mask = (alpha < threshold).cpu().numpy().astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return float(stats[1:, cv2.CC_STAT_AREA].max(initial=0)) / mask.size


def flying(
    z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], window_px: int = 5, margin: float = 0.25
) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Flying pixels, and the pixels near depth edges, which are the reference for their share.

    Near an edge (within half of `window_px` of a relative jump) a pixel should lie on the nearest or the farthest
    surface of its window. It is a flying pixel when its disparity differs from both by more than `margin` of the jump.
    """
    reach = window_px // 2
    edges = relative_depth_edges(z, valid)
    pool = lambda x: F.max_pool2d(x[None, None], window_px, 1, reach)[0, 0]  # noqa: E731
    disparity = 1 / torch.where(valid, z, 1.0)
    high = pool(torch.where(valid, disparity, -torch.inf))
    low = -pool(torch.where(valid, -disparity, -torch.inf))
    jump = high - low
    near_edge = valid & (pool(edges.float()) > 0) & (jump > 2 * EDGE_THRESHOLD * high)
    return near_edge & (high - disparity > margin * jump) & (disparity - low > margin * jump), near_edge


def cycle_error_px(
    camera: Camera,
    z: Float[Tensor, "h w"],
    other: Camera,
    other_z: Float[Tensor, "other_h other_w"],
    occlusion: float = EDGE_THRESHOLD,
) -> Float[Tensor, "n"]:
    """The errors of `cycle_error_map` at the pixels that have one."""
    errors, seen = cycle_error_map(camera, z, other, other_z, occlusion)
    return errors[seen]


def cycle_error_map(
    camera: Camera,
    z: Float[Tensor, "h w"],
    other: Camera,
    other_z: Float[Tensor, "other_h other_w"],
    occlusion: float = EDGE_THRESHOLD,
) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """The distance in pixels between a pixel and its reprojection through the other view and back, and where it counts.

    phi(u) = |u - project(unproject_other(project_other(unproject(u))))| (PGSR, Chen et al. 2024). It counts for the
    pixels of `camera` whose surface projects into the other picture and is not hidden there: the other depth may be
    smaller by at most the share `occlusion`, but larger by any amount. Pixels with depth 0 are left out.
    """
    # To the other view: which pixels are visible there, and at what depth.
    points = camera.unproject(z)
    uv, z_there = other.project(points)
    inside = (z > 0) & (z_there > 0) & (uv >= 0).all(-1) & (uv[..., 0] < other.width) & (uv[..., 1] < other.height)
    seen = _bilinear(other_z, torch.where(inside[..., None], uv, 0.5))
    visible = inside & (seen > (1 - occlusion) * z_there)
    # Back to this camera, from the depth of the other view.
    pose = other.to(z.device).world_from_cam
    rays = torch.stack([(uv[..., 0] - other.cx) / other.fx, (uv[..., 1] - other.cy) / other.fy, torch.ones_like(z)], -1)
    back, _ = camera.project((rays * seen[..., None]) @ pose[:3, :3].T + pose[:3, 3])
    u, v = torch.meshgrid(*(torch.arange(n, device=z.device) + 0.5 for n in z.shape[::-1]), indexing="xy")
    return (back - torch.stack([u, v], -1)).norm(dim=-1), visible


def cycle_errors_px(cameras: Sequence[Camera], depths: Sequence[Float[Tensor, "_ _"]]) -> Float[Tensor, "n"]:
    """`cycle_error_px` of each camera with the previous and with the next camera."""
    ways = [(i, j) for i in range(len(cameras)) for j in (i - 1, i + 1) if 0 <= j < len(cameras)]
    errors = [cycle_error_px(cameras[i], depths[i], cameras[j], depths[j]) for i, j in ways]
    return torch.cat(errors) if errors else torch.empty(0)


def _bilinear(z: Float[Tensor, "h w"], uv: Float[Tensor, "r c 2"]) -> Float[Tensor, "r c"]:
    """`z` at pixel coordinates, linear in disparity; at a depth edge or next to a gap, that of the nearest pixel."""
    h, w = z.shape
    grid = torch.stack([2 * uv[..., 0] / w - 1, 2 * uv[..., 1] / h - 1], -1)
    sample = lambda x, mode: F.grid_sample(  # noqa: E731
        x[None, None], grid[None], mode=mode, padding_mode="border", align_corners=False
    )[0, 0]
    nearest = sample(z, "nearest")
    smooth = 1 / sample(1 / z.clamp_min(1e-12), "bilinear")
    return torch.where((smooth / nearest - 1).abs() < EDGE_THRESHOLD, smooth, nearest)
