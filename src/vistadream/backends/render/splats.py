"""Gaussians as splats of one camera, and the splats that each pixel blends, in plain torch on any device.

It follows the rules of gsplat and the CPU renderer (docs/renderer.md), for maps that gsplat's kernels do not draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
_MARGIN_PX = 0.01
"""Added to the box of a splat, against rounding."""
_PAIRS_AT_ONCE = 2**23
"""Pairs of a splat and a pixel of its box in one band; each takes 120 bytes when listed, and 240 in the gradient."""


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

    def shapes(self) -> Float[Tensor, "n 6"]:
        """What `alphas_at` reads: the center, the inverse of the covariance, and the opacity."""
        xx, xy, yy = self.covariances.unbind(-1)
        precision = torch.stack([yy, -xy, xx], -1) / (xx * yy - xy * xy)[:, None]
        return torch.cat([self.centers, precision, self.opacities[:, None]], dim=1)


def alphas_at(shapes: Float[Tensor, "m 6"], away: Float[Tensor, "m 2"]) -> Float[Tensor, "m"]:
    """Alpha of splats at offsets in pixels from their centers: at most MAX_ALPHA, without the threshold MIN_ALPHA."""
    _, _, xx, xy, yy, opacities = shapes.unbind(-1)
    x, y = away.unbind(-1)
    return (opacities * torch.exp(-0.5 * (xx * x * x + 2 * xy * x * y + yy * y * y))).clamp_max(MAX_ALPHA)


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


class Pairs(NamedTuple):
    """Splats and the pixels that blend them, sorted by pixel, each from near to far."""

    pixels: Int[Tensor, "m"]
    """row * width + column, counted from the first row of the band."""
    splats: Int[Tensor, "m"]
    """The numbers of the splats."""
    passed: Float[Tensor, "m"]
    """Logarithm of the transmittance behind the splat, in double precision."""

    def half_stopped(self, n_pixels: int) -> Bool[Tensor, "p"]:
        """The pixels of the band in which less than half of the light is left."""
        ends = torch.searchsorted(self.pixels, torch.arange(n_pixels, device=self.pixels.device), right=True)
        behind = torch.cat([self.passed.new_zeros(1), self.passed])[ends]
        return (ends.diff(prepend=ends.new_zeros(1)) > 0) & (behind < -math.log(2))


def bands(splats: Splats, camera: Camera) -> Iterator[tuple[int, int]]:
    """First and last row, excluded, of parts of the picture that have about _PAIRS_AT_ONCE pairs at most."""
    low, high = _boxes(splats, camera, 0, camera.height)
    total = int((high - low).clamp_min(0).prod(-1).sum())
    rows = max(1, camera.height // max(1, math.ceil(total / _PAIRS_AT_ONCE)))
    return ((top, min(top + rows, camera.height)) for top in range(0, camera.height, rows))


@torch.no_grad()
def blended(splats: Splats, camera: Camera, top: int, bottom: int) -> Pairs:
    """The pairs of the rows from `top` to `bottom` whose alpha is MIN_ALPHA or more, also in finished pixels."""
    # All pixels in the box of each splat, near to far.
    order = torch.argsort(splats.means[:, 2], stable=True)
    low, high = (corner[order] for corner in _boxes(splats, camera, top, bottom))
    size = (high - low).clamp_min(0)
    counts = size.prod(-1)
    ends = counts.cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    splat = torch.repeat_interleave(counts, output_size=total)
    within = torch.arange(total, device=splat.device) - (ends - counts)[splat]
    width = size[splat, 0]
    columns, rows = low[splat, 0] + within % width, low[splat, 1] + within // width
    # Those that reach MIN_ALPHA, by pixel.
    shapes = splats.shapes()[order].index_select(0, splat)
    alphas = alphas_at(shapes, torch.stack([columns, rows], -1) + 0.5 - shapes[:, :2])
    kept = torch.nonzero(alphas >= MIN_ALPHA)[:, 0]
    pixels = ((rows - top) * camera.width + columns)[kept]
    pixels, by_pixel = torch.sort(pixels.int(), stable=True)
    kept = kept[by_pixel]
    logs = torch.log1p(-alphas[kept].double())
    passed = logs.cumsum(0)
    first = torch.searchsorted(pixels, pixels)
    passed = passed - (passed - logs)[first]
    return Pairs(pixels.long(), order[splat[kept]], passed)


def _boxes(splats: Splats, camera: Camera, top: int, bottom: int) -> tuple[Int[Tensor, "n 2"], Int[Tensor, "n 2"]]:
    """First and last pixel, excluded, of each splat along columns and rows; nothing for splats that are not drawn."""
    xx, _, yy = splats.covariances.detach().unbind(-1)
    reach = _extent(splats.opacities.detach())[:, None] * torch.stack([xx, yy], -1).sqrt() + _MARGIN_PX
    low = (splats.centers.detach() - reach - 0.5).ceil()
    high = (splats.centers.detach() + reach + 0.5).floor()
    low, high = (torch.where(splats.drawn[:, None], corner, 0.0) for corner in (low, high))
    inside = (
        torch.stack([corner[:, 0].clamp(0, camera.width), corner[:, 1].clamp(top, bottom)], -1)
        for corner in (low, high)
    )
    low, high = (corner.long() for corner in inside)
    return low, high
