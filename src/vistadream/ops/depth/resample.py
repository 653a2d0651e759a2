"""Resampling of depth maps to another size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.ops.depth.edges import relative_depth_edges


def resample_depth(
    box: tuple[float, float, float, float], z: Float[Tensor, "H W"], width: int, height: int
) -> Float[Tensor, "h w"]:
    """The box (left, top, right, bottom in pixels) of z resampled to width x height.

    In z and in the result 0 is invalid and infinity is sky. Bilinear in disparity, which is exact on planes. Where one
    of the four pixels is invalid, sky or at a depth edge, the nearest pixel is taken, so that no depth between two
    surfaces, or between a surface and the sky, appears.
    """
    valid: Bool[Tensor, "H W"] = (z > 0) & z.isfinite()
    disparity = torch.where(z > 0, 1 / z, -1.0)  # 0 for the sky, negative for invalid pixels
    unsure = (~valid | relative_depth_edges(z, valid)).to(z)
    left, top, right, bottom = box
    u = left + (torch.arange(width, device=z.device) + 0.5) * (right - left) / width
    v = top + (torch.arange(height, device=z.device) + 0.5) * (bottom - top) / height
    grid_v, grid_u = torch.meshgrid(2 * v / z.shape[0] - 1, 2 * u / z.shape[1] - 1, indexing="ij")
    grid = torch.stack([grid_u, grid_v], dim=-1)[None]

    def sample(values: Tensor, mode: str) -> Tensor:
        return F.grid_sample(values[None, None], grid, mode=mode, padding_mode="border", align_corners=False)[0, 0]

    smooth = sample(unsure, "bilinear") == 0
    sampled = torch.where(smooth, sample(disparity, "bilinear"), sample(disparity, "nearest"))
    return torch.where(sampled >= 0, 1 / sampled, 0.0)
