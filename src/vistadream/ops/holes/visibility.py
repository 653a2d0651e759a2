"""Visibility: a new surface must not occlude what earlier Views have seen."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, Rendering, View


def hides(points_world: Float[Tensor, "n 3"], view: View, tolerance: float) -> Bool[Tensor, "n"]:
    """Whether each point occludes the surface of a View: it projects into the View and its depth there is smaller than
    the View's by more than the fraction `tolerance`. ValueError when the View has no depth."""
    inside, row, column, z = view.camera.pixels_of(points_world)
    seen = view.depth[row, column]
    return inside & (seen > 0) & (z < seen * (1 - tolerance))


def push_behind(
    camera: Camera,
    z: Float[Tensor, "h w"],
    pixels: Bool[Tensor, "h w"],
    views: Sequence[View],
    *,
    tolerance: float = 0.05,
    stride: float = 1.05,
    max_strides: int = 40,
) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Moves `pixels` back along their rays until they occlude nothing that the `views` have seen.

    Each of at most `max_strides` strides multiplies the depth by `stride`. Returns the depth, and the pixels that still
    occlude something after the last stride.
    """
    depth, rays = z[pixels].clone(), camera.rays(z.device)[pixels]
    pose = camera.to(z.device).world_from_cam
    occluding = torch.ones_like(depth, dtype=torch.bool)
    for _ in range(max_strides + 1):
        points = (rays[occluding] * depth[occluding][:, None]) @ pose[:3, :3].T + pose[:3, 3]
        still = torch.zeros(len(points), dtype=torch.bool, device=points.device)
        for view in views:
            still |= hides(points, view, tolerance)
        occluding[occluding.clone()] = still
        if not bool(still.any()):
            break
        depth[occluding] *= stride
    pushed, left = z.clone(), torch.zeros_like(pixels)
    pushed[pixels], left[pixels] = depth, occluding
    return pushed, left


def keep_behind_translucent(
    z: Float[Tensor, "h w"], seen: Rendering, hole: Bool[Tensor, "h w"], least_alpha: float = 0.1
) -> Float[Tensor, "h w"]:
    """Depth of a new surface, kept at or behind the translucent surface that is already rendered inside `hole`.

    A pixel of the hole has a translucent surface where its alpha is `least_alpha` or more. Other pixels keep their z.
    """
    translucent = hole & (seen.require("alpha") >= least_alpha)
    return torch.where(translucent, torch.maximum(z, seen.require("z").to(z)), z)


def near_rim(
    z: Float[Tensor, "h w"], hole: Bool[Tensor, "h w"], behind_z: Float[Tensor, "h w"], reach_px: int, gap: float = 0.1
) -> Bool[Tensor, "h w"]:
    """Known foreground pixels within `reach_px` of a hole: nearer than the depth expected inside the hole.

    `behind_z` is that expected depth; a pixel is foreground when its z is smaller by more than the fraction `gap`. The
    content of the hole must not continue these pixels.
    """
    window = np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)
    farthest = cv2.dilate(torch.where(hole, behind_z, 0.0).cpu().numpy(), window)
    return ~hole & (z > 0) & (z < (1 - gap) * torch.from_numpy(farthest).to(z))


def overlapping(
    z: Float[Tensor, "h w"], new: Bool[Tensor, "h w"], tolerance: float = 0.05, behind: float = 0.005
) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Lets a new surface overlap, by a pixel, the known one that it continues, and lie slightly behind it.

    Both get thinner at their borders, so that a dark line would show between them where their pixels differ in size. A
    pixel around those of `new` joins them where its depth differs by at most the fraction `tolerance`. All of them move
    away by the fraction `behind`, so that the new surface is as smooth as it was. Returns the depth and the pixels.
    """
    farthest = F.max_pool2d(torch.where(new, z, 0.0)[None], 3, 1, 1)[0]
    rim = ~new & (farthest > 0) & ((z - farthest).abs() <= tolerance * farthest)
    pixels = new | rim
    return torch.where(pixels, (1 + behind) * z, z), pixels
