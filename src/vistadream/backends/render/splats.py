"""Gaussians as splats of one camera, and the splats that each pixel blends, in plain torch on any device.

It follows the rules of gsplat and the CPU renderer (docs/renderer.md), for maps that gsplat's kernels do not draw.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vistadream.backends.render.knobs import RenderKnobs
from vistadream.core import Camera, Gaussians
from vistadream.ops.gaussians.rotation import rotations_from_quats

MIN_ALPHA, MAX_ALPHA, FINISHED = 1 / 255, 0.999, 1e-4
_BORDER = 0.15
"""A splat is linearized at most this fraction of the picture outside its borders."""
_TILE = 16


class Splats(NamedTuple):
    """The EWA projections of Gaussians; differentiable."""

    means: Float[Tensor, "n 3"]
    """In camera axes."""
    centers: Float[Tensor, "n 2"]
    """In pixels."""
    covariances: Float[Tensor, "n 3"]
    """xx, xy, yy in px^2, with the renderer's blur."""
    opacities: Float[Tensor, "n"]
    drawn: Bool[Tensor, "n"]
    """False for splats that are left out."""

    def alphas(self, index: Int[Tensor, "*m"], pixels: Float[Tensor, "*m 2"]) -> Float[Tensor, "*m"]:
        """Alpha of each splat at a pixel, without the threshold MIN_ALPHA; at most MAX_ALPHA."""
        dx, dy = (pixels - self.centers[index]).unbind(-1)
        xx, xy, yy = self.covariances[index].unbind(-1)
        distance = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy)
        return (self.opacities[index] * torch.exp(-0.5 * distance)).clamp_max(MAX_ALPHA)


def project(gaussians: Gaussians, camera: Camera, knobs: RenderKnobs) -> Splats:
    """The splats of all Gaussians for a camera."""
    # Means and axes in camera axes.
    pose = camera.cam_from_world
    means = gaussians.means @ pose[:3, :3].T + pose[:3, 3]
    x, y, z = means.unbind(-1)
    in_range = (z >= knobs.near_z) & (z <= knobs.far_z)
    z = torch.where(in_range, z, 1.0)
    axes = pose[:3, :3] @ rotations_from_quats(gaussians.quats_wxyz) * gaussians.scales[:, None]
    # Screen covariance by the Jacobian of the projection.
    u = _limited(x / z, camera.fx, camera.cx, camera.width)
    v = _limited(y / z, camera.fy, camera.cy, camera.height)
    zero = torch.zeros_like(z)
    rows = torch.stack([camera.fx / z, zero, -camera.fx * u / z, zero, camera.fy / z, -camera.fy * v / z], -1)
    on_screen = rows.reshape(-1, 2, 3) @ axes
    sharp = on_screen @ on_screen.mT
    xx, xy, yy = sharp[:, 0, 0] + knobs.eps2d_px2, sharp[:, 0, 1], sharp[:, 1, 1] + knobs.eps2d_px2
    # Opacities, and the splats that are drawn.
    area = xx * yy - xy * xy
    opacities = gaussians.opacities
    if knobs.mode == "antialiased":
        opacities = opacities * (torch.linalg.det(sharp).clamp_min(1e-12 * area) / area).sqrt()
    extent = _extent(opacities.detach()).clamp_max(3.33)
    radius = (extent[:, None] * torch.stack([xx, yy], -1).detach().sqrt()).ceil().amax(-1)
    drawn = in_range & (area > 0) & (opacities >= MIN_ALPHA) & (radius > knobs.radius_clip_px)
    centers = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], -1)
    return Splats(means, centers, torch.stack([xx, xy, yy], -1), opacities, drawn)


def _limited(slope: Tensor, focal: float, center: float, size: int) -> Tensor:
    return slope.clamp((-_BORDER * size - center) / focal, ((1 + _BORDER) * size - center) / focal)


def _extent(opacities: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """Distance from a splat's center, in standard deviations, at which its alpha falls to MIN_ALPHA."""
    return (2 * torch.log((opacities / MIN_ALPHA).clamp_min(1))).sqrt()


@torch.no_grad()
def blended(splats: Splats, camera: Camera) -> tuple[Int[Tensor, "m"], Int[Tensor, "m"]]:
    """Pixel (row * width + column) and splat of each blended pair: alpha >= MIN_ALPHA, and the pixel not finished."""
    xx, _, yy = splats.covariances.unbind(-1)
    reach = _extent(splats.opacities)[:, None] * torch.stack([xx, yy], -1).sqrt()
    low, high = splats.centers - reach, splats.centers + reach
    order = torch.argsort(splats.means[:, 2], stable=True)
    order = order[splats.drawn[order] & (high[order, 0] > 0) & (low[order, 0] < camera.width)]
    pairs = []
    for top in range(0, camera.height, _TILE):
        row = order[(high[order, 1] > top) & (low[order, 1] < top + _TILE)]
        pairs.append(_blended_in_row(splats, row, low[row, 0], high[row, 0], top, camera))
    pixels, index = zip(*pairs, strict=True)
    return torch.cat(pixels), torch.cat(index)


def _blended_in_row(
    splats: Splats, row: Int[Tensor, "r"], left: Float[Tensor, "r"], right: Float[Tensor, "r"], top: int, camera: Camera
) -> tuple[Int[Tensor, "m"], Int[Tensor, "m"]]:
    """The blended pairs of one row of tiles; `row` has its splats, near to far."""
    # One entry per splat and tile that it touches, sorted by tile.
    first = (left / _TILE).floor().clamp_min(0).long()
    counts = (right / _TILE).floor().clamp_max((camera.width - 1) // _TILE).long() - first + 1
    index = row.repeat_interleave(counts)
    offset = torch.arange(len(index), device=row.device) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    tiles, by_tile = torch.sort(first.repeat_interleave(counts) + offset, stable=True)
    index = index[by_tile]
    # Alpha of each entry at each pixel of its tile.
    inside = torch.arange(_TILE * _TILE, device=row.device)
    x, y = tiles[:, None] * _TILE + inside % _TILE, top + inside // _TILE + 0 * tiles[:, None]
    alphas = splats.alphas(index[:, None].expand_as(x), torch.stack([x, y], -1) + 0.5)
    alphas = torch.where(alphas >= MIN_ALPHA, alphas, 0.0)
    # Log transmittance behind each entry, minus that in front of its tile's first entry.
    passed = torch.log1p(-alphas.double()).cumsum(0)
    before = torch.cat([torch.zeros_like(passed[:1]), passed])[torch.searchsorted(tiles, tiles)]
    blended = (alphas > 0) & ((passed - before).exp() > FINISHED) & (x < camera.width) & (y < camera.height)
    entry, pixel = torch.nonzero(blended, as_tuple=True)
    return (y * camera.width + x)[entry, pixel], index[entry]
