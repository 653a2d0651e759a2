"""The continuous median depth in plain torch, for renderers whose GPU kernels do not draw it.

The definition is the CPU renderer's (docs/renderer.md): T(z) = prod T_i(z) = 1/2 over the splats that a pixel blends,
T_i = v before the peak on the ray and (1 - alpha) / v behind it, v^2 = 1 - alpha exp(-a (z - peak)^2 / 2) (GGGS, arXiv
2601.17835). The root is found without a gradient (`ray_root.py`); the implicit one, dz = d log T / -(d log T / dz), is
computed from one more evaluation. The CPU waits for the GPU where the number of pairs or of pixels is needed.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vistadream.backends.render.knobs import RenderKnobs
from vistadream.backends.render.ray_profile import OnRays, profile_rows
from vistadream.backends.render.ray_root import Profiles, root
from vistadream.backends.render.splats import FINISHED, Splats, bands, blended, project
from vistadream.core import Camera, Gaussians

_FLATTEST = 1e-3
"""Slope of log T over log z below which the median has no useful gradient."""
_SIZES = (1e-5, 1e5)
"""Scales along the ray are clamped to these fractions of the depth."""


def median_z(gaussians: Gaussians, camera: Camera, knobs: RenderKnobs) -> Float[Tensor, "h w"]:
    """Camera-space z at which a pixel's transmittance crosses one half; 0 where it does not.

    Gradients reach means, quaternions, scales, opacities and `cam_from_world`. All tensors are on one device.
    """
    splats = project(gaussians, camera, knobs)
    rows = profile_rows(gaussians, camera, splats)
    parts = [_Median.apply(rows, _Band.of(splats, camera, *band)) for band in bands(splats, camera)]
    return torch.cat(parts).reshape(camera.height, camera.width)


class _Band(NamedTuple):
    """The pixels of some rows in which T falls to one half, and their pairs."""

    pixels: Int[Tensor, "p"]
    """Those pixels, counted from the first row of the band."""
    n_pixels: int
    """All pixels of the band."""
    centers: Float[Tensor, "p 2"]
    """Of those pixels, in pixels of the picture."""
    pixel_of: Int[Tensor, "m"]
    """The pixel of each pair, as an index into `pixels`; sorted, and from near to far within a pixel."""
    splat_of: Int[Tensor, "m"]
    """The number of the splat of each pair."""
    crossing: Int[Tensor, "p"]
    """The pair at which T falls to one half if all splats are thin."""

    @staticmethod
    def of(splats: Splats, camera: Camera, top: int, bottom: int) -> _Band:
        """The band of the rows from `top` to `bottom`."""
        pairs, n_pixels = blended(splats, camera, top, bottom), (bottom - top) * camera.width
        crosses = pairs.half_stopped(n_pixels)
        pixels = torch.nonzero(crosses)[:, 0]
        number = crosses.cumsum(0) - 1
        kept = torch.nonzero(crosses[pairs.pixels] & (pairs.passed > math.log(FINISHED)))[:, 0]
        pixel_of, passed = number[pairs.pixels[kept]], pairs.passed[kept]
        in_front = torch.zeros_like(pixels).index_add(0, pixel_of, (passed >= -math.log(2)).long())
        first = torch.searchsorted(pixel_of, torch.arange(len(pixels), device=pixels.device))
        at = torch.stack([pixels % camera.width, pixels // camera.width + top], dim=-1)
        centers = (at + 0.5).to(splats.centers)
        return _Band(pixels, n_pixels, centers, pixel_of, pairs.splats[kept], first + in_front)

    def on_rays(self, rows: Float[Tensor, "n 16"]) -> OnRays:
        """The pairs, from the rows of all splats."""
        return OnRays.of(rows.index_select(0, self.splat_of), self.centers.index_select(0, self.pixel_of))

    def profiles(self, pairs: OnRays) -> Profiles:
        """What the search for roots reads of the pairs."""
        return Profiles.of(pairs.alphas, pairs.peaks, pairs.curvatures, self.pixel_of, len(self.pixels))


class _Median(torch.autograd.Function):
    """The median of a band from the rows of all splats. Pairs are evaluated anew for the gradient, to save memory."""

    @staticmethod
    def forward(ctx: Any, rows: Float[Tensor, "n 16"], band: _Band) -> Float[Tensor, "q"]:
        z = root(band.profiles(band.on_rays(rows)), band.crossing)
        ctx.save_for_backward(rows, z)
        ctx.band = band
        return rows.new_zeros(band.n_pixels).index_put((band.pixels,), z.clamp_min(0))

    @staticmethod
    def backward(ctx: Any, *grads: Float[Tensor, "q"]) -> tuple[Tensor, None]:
        rows, z = ctx.saved_tensors
        band: _Band = ctx.band
        pairs = band.on_rays(rows)
        slope = band.profiles(pairs).sums(z)[1]
        useful = (z > 0) & (slope * z > _FLATTEST)
        to_logs = torch.where(useful, grads[0][band.pixels] / torch.where(useful, slope, 1.0), 0.0)
        to_rows = pairs.gradient(z[band.pixel_of], to_logs[band.pixel_of])
        return torch.zeros_like(rows).index_add(0, band.splat_of, to_rows), None
