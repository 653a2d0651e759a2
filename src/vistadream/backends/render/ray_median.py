"""The continuous median depth in plain torch, for renderers whose GPU kernels do not draw it.

The definition is the CPU renderer's (docs/renderer.md): T(z) = prod T_i(z) = 1/2 over the splats that a pixel blends,
T_i = v before the peak on the ray and (1 - alpha) / v behind it, v^2 = 1 - alpha exp(-a (z - peak)^2 / 2) (GGGS, arXiv
2601.17835). The root is bisected without a gradient; one evaluation of log T with a gradient then gives the implicit
one, dz = d log T / -(d log T / dz).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vistadream.backends.render.knobs import RenderKnobs
from vistadream.backends.render.splats import Splats, blended, project
from vistadream.core import Camera, Gaussians
from vistadream.ops.gaussians.rotation import rotations_from_quats

_REACH = 6.0
"""Distance from a peak in standard deviations at which 2^-25 of its density is left."""
_ROUNDS = 60
"""Number of bisections: enough for any bracket in float32."""
_FLATTEST = 1e-3
"""Slope of log T over log z below which the median has no useful gradient."""
_SIZES = (1e-5, 1e5)
"""Scales along the ray are clamped to these fractions of the depth."""


def median_z(gaussians: Gaussians, camera: Camera, knobs: RenderKnobs) -> Float[Tensor, "h w"]:
    """Camera-space z at which a pixel's transmittance crosses one half; 0 where it does not.

    Gradients reach means, quaternions, scales, opacities and `cam_from_world`. All tensors are on one device.
    """
    splats = project(gaussians, camera, knobs)
    pixels, index = blended(splats, camera)
    whitening = _whitening(gaussians, camera, splats)
    # Find the root without a gradient.
    with torch.no_grad():
        constant = _on_rays(splats, whitening, camera, pixels, index)
        z, crosses = constant.median()
        slope = constant.slope(z)
        useful = crosses & (-slope * z > _FLATTEST)
    # One Newton step, whose gradient is the implicit one.
    residual = _on_rays(splats, whitening, camera, pixels, index).log_transmittance(z) + math.log(2)
    refined = z - torch.where(useful, residual / torch.where(useful, slope, 1.0), 0.0)
    return torch.where(crosses, refined, 0.0).reshape(camera.height, camera.width)


def _whitening(gaussians: Gaussians, camera: Camera, splats: Splats) -> Float[Tensor, "n 3 3"]:
    """Matrices from camera axes to each Gaussian's axes, in units of its standard deviations."""
    axes = camera.cam_from_world[:3, :3] @ rotations_from_quats(gaussians.quats_wxyz)
    low, high = (size * splats.means[:, 2:].detach().abs() for size in _SIZES)
    return axes.mT / torch.minimum(torch.maximum(gaussians.scales, low), high)[..., None]


def _on_rays(
    splats: Splats,
    whitening: Float[Tensor, "n 3 3"],
    camera: Camera,
    pixels: Int[Tensor, "m"],
    index: Int[Tensor, "m"],
) -> _OnRays:
    """Alpha, peak and curvature of every blended pair on its pixel's ray z (x, y, 1)."""
    rays = camera.rays().reshape(-1, 3)[pixels]
    columns, rows = pixels % camera.width, pixels // camera.width
    means, to_own = splats.means[index], whitening[index]
    along = (to_own @ rays[..., None])[..., 0]
    off = (to_own @ (means - means[:, 2:] * rays)[..., None])[..., 0]
    curvatures = along.square().sum(-1)
    peaks = means[:, 2] + (along * off).sum(-1) / curvatures
    alphas = splats.alphas(index, torch.stack([columns, rows], -1) + 0.5)
    return _OnRays(alphas, peaks, curvatures, pixels, camera.width * camera.height)


class _OnRays(NamedTuple):
    """The values by which each pair contributes to log T of its pixel."""

    alphas: Float[Tensor, "m"]
    peaks: Float[Tensor, "m"]
    curvatures: Float[Tensor, "m"]
    pixels: Int[Tensor, "m"]
    n_pixels: int

    def _summed(self, values: Float[Tensor, "m"]) -> Float[Tensor, "p"]:
        return values.new_zeros(self.n_pixels).index_add(0, self.pixels, values)

    def log_transmittance(self, z: Float[Tensor, "p"]) -> Float[Tensor, "p"]:
        """log T of each pixel at the given z."""
        beyond = z[self.pixels] - self.peaks
        half = 0.5 * torch.log1p(-self.alphas * torch.exp(-0.5 * self.curvatures * beyond * beyond))
        return self._summed(torch.where(beyond > 0, torch.log1p(-self.alphas) - half, half))

    def slope(self, z: Float[Tensor, "p"]) -> Float[Tensor, "p"]:
        """d log T / dz of each pixel, at most 0."""
        beyond = z[self.pixels] - self.peaks
        density = self.alphas * torch.exp(-0.5 * self.curvatures * beyond * beyond)
        return self._summed(-0.5 * self.curvatures * beyond.abs() * density / (1 - density))

    def median(self) -> tuple[Float[Tensor, "p"], Bool[Tensor, "p"]]:
        """z at which T crosses one half, and whether it does so in front of the camera."""
        reach = _REACH / self.curvatures.sqrt()
        ends = self.peaks.new_zeros(self.n_pixels)
        low = ends.scatter_reduce(0, self.pixels, self.peaks - reach, "amin", include_self=False)
        high = ends.scatter_reduce(0, self.pixels, self.peaks + reach, "amax", include_self=False)
        for _ in range(_ROUNDS):
            middle = 0.5 * (low + high)
            before = self.log_transmittance(middle) > -math.log(2)
            low, high = torch.where(before, middle, low), torch.where(before, high, middle)
        return high, (self._summed(torch.log1p(-self.alphas)) < -math.log(2)) & (high > 0)
