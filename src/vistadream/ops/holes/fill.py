"""Holes of an RGB-D view: find them, split them by size, and fill the thin ones from their far side.

A moving camera uncovers background, so colors and depth come from the far rim of the hole only. Depth is continued in
disparity 1/z, in which planes are affine functions of the pixel coordinates.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from vistadream.ops.holes.occlusion import disparity_slope, far_rim
from vistadream.ops.holes.poisson import poisson_fill


def clean_hole(
    alpha: Float[Tensor, "h w"], threshold: float = 0.5, min_area: float = 2e-5, grow_px: int = 2
) -> Bool[Tensor, "h w"]:
    """Where `alpha` is below `threshold`, without specks, and dilated to include half-transparent rims.

    A speck is a connected region smaller than the share `min_area` of the picture.
    """
    mask = (alpha < threshold).cpu().numpy().astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    large_enough = stats[:, cv2.CC_STAT_AREA] >= min_area * mask.size
    large_enough[0] = False
    grown = cv2.dilate(large_enough[labels].astype(np.uint8), _disc(grow_px))
    return torch.from_numpy(grown > 0).to(alpha.device)


def split_holes(
    hole: Bool[Tensor, "h w"], min_area: float = 0.01, min_width: float = 0.06
) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """The thin parts of a hole, which can be filled from their far side, and its large parts, which need new content.

    A part is large where a disc with a diameter of `min_width` of the long side fits into the hole, if all such places
    that are connected cover at least the share `min_area` of the picture. Its rim belongs to it. ORCA (2026) tests
    compactness by area, bounding box and short side of whole components; here a thin part that is connected to a large
    hole stays thin.
    """
    # Morphological opening keeps the places into which the disc fits.
    mask = hole.cpu().numpy().astype(np.uint8)
    width_px = max(1, round(min_width * max(mask.shape)))
    padded = cv2.copyMakeBorder(mask, width_px, width_px, width_px, width_px, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, _disc(width_px // 2))
    rim = np.minimum(cv2.dilate(opened, _disc(width_px // 4))[width_px:-width_px, width_px:-width_px], mask)
    # Only components with a sufficient area count as large.
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rim, connectivity=8)
    large_enough = stats[:, cv2.CC_STAT_AREA] >= min_area * mask.size
    large_enough[0] = False
    large = torch.from_numpy(large_enough[labels]).to(hole.device)
    return hole & ~large, large


def fill_from_far_side(
    rgb: Float[Tensor, "h w 3"], z: Float[Tensor, "h w"], hole: Bool[Tensor, "h w"]
) -> tuple[Float[Tensor, "h w 3"], Float[Tensor, "h w"]]:
    """Colors and depth for the pixels of `hole`, continued from its far rim; all other pixels are returned unchanged.

    It is meant for thin holes, because the colors are smooth. `z` must be positive outside the hole. ValueError when
    every pixel is in the hole.
    """
    filled_z = complete_depth(z, ~hole)
    known = (~hole).cpu().numpy()
    disparity = 1 / _numpy(z, ~hole)
    source = far_rim(disparity, disparity_slope(disparity, known), known)
    colors = poisson_fill(_numpy(rgb), source, outside=known & ~source)
    return torch.where(hole[..., None], torch.from_numpy(colors).to(rgb), rgb), filled_z


def complete_depth(z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], max_ratio: float = 4.0) -> Float[Tensor, "h w"]:
    """`z` where valid; elsewhere a smooth continuation of the surrounding surfaces, positive and bounded.

    The slopes of disparity at the rim are interpolated over the hole by a Laplace equation, and the disparity is then
    integrated from them by a Poisson equation. Planes therefore continue as planes, also beyond the picture's border.
    Where two rims are opposite each other, only the farther one counts. The result stays within `max_ratio` times the
    valid range of depth. ValueError when no pixel is valid, or a valid depth is not positive.
    """
    if not valid.any():
        raise ValueError(f"complete_depth: none of the {valid.numel()} pixels is valid; wanted at least one")
    if not bool((z[valid] > 0).all()):
        raise ValueError(f"complete_depth: the smallest valid z is {float(z[valid].min())}; wanted positive depth")
    known = valid.cpu().numpy()
    disparity = 1 / _numpy(z, valid)
    slope = disparity_slope(disparity, known)
    # The rim that belongs to occluders takes no part.
    source = far_rim(disparity, slope, known)
    outside = known & ~source
    # First the slopes, then the disparity that has these slopes.
    slope = poisson_fill(slope, source, outside=outside)
    filled = poisson_fill(disparity[..., None], source, slope[:, :, None, :], outside=outside)[..., 0]
    bounds = disparity[known].min() / max_ratio, disparity[known].max() * max_ratio
    return torch.where(valid, z, torch.from_numpy(1 / np.clip(filled, *bounds)).to(z))


def blend_seam(
    z_new: Float[Tensor, "h w"], z_known: Float[Tensor, "h w"], known: Bool[Tensor, "h w"], decay: float = 0.1
) -> Float[Tensor, "h w"]:
    """`z_known` where known; elsewhere `z_new` times a factor that removes the step at the seam.

    The logarithm of the factor solves a screened Poisson equation: it has the required value at the seam and falls to
    zero within about `decay` of the long side. Both depths must be positive where they are used.
    """
    residual = np.log(_numpy(z_known, known) / _numpy(z_new, known))
    lifted = poisson_fill(residual[..., None], known.cpu().numpy(), decay_px=decay * max(known.shape))[..., 0]
    return torch.where(known, z_known, z_new * torch.from_numpy(lifted).to(z_new).exp())


def _numpy(x: Tensor, where: Tensor | None = None) -> ndarray:
    """The values in double precision on the CPU, with 1 in the pixels that are not used."""
    x = x.detach() if where is None else torch.where(where, x.detach(), 1.0)
    return x.cpu().double().numpy()


def _disc(radius_px: int) -> ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
