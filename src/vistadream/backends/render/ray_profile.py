"""The profile of splats along the rays of the pixels that blend them, and the gradient of log T to it.

A splat is a row of numbers: what `alphas_at` reads, the depth of the mean, and the ray in units of the three axes of
the Gaussian, at the splat's center, and its change per pixel along x and y. With e the ray at an offset from the center
and s = e - e(0): a = e.e, peak = depth (1 - e.s / a), which is accurate near the center.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.render.splats import MAX_ALPHA, Splats, alphas_at
from vistadream.core import Camera, Gaussians
from vistadream.ops.gaussians.rotation import rotations_from_quats

_COLUMNS = (6, 1, 3, 3, 3)
_SIZES = (1e-5, 1e5)
"""Scales along the ray are clamped to these fractions of the depth."""


def profile_rows(gaussians: Gaussians, camera: Camera, splats: Splats) -> Float[Tensor, "n 16"]:
    """The row of each splat; differentiable."""
    axes = camera.cam_from_world[:3, :3] @ rotations_from_quats(gaussians.quats_wxyz)
    depths = splats.means[:, 2:]
    low, high = (size * depths.detach().abs() for size in _SIZES)
    to_own = axes.mT / torch.minimum(torch.maximum(gaussians.scales, low), high)[..., None]
    center = (to_own @ splats.means[..., None])[..., 0] / torch.where(splats.drawn[:, None], depths, 1.0)
    return torch.cat([splats.shapes(), depths, center, to_own[..., 0] / camera.fx, to_own[..., 1] / camera.fy], dim=1)


class OnRays(NamedTuple):
    """Splats, each on the ray of one pixel."""

    rows: Float[Tensor, "m 16"]
    away: Float[Tensor, "m 2"]
    """From the splat's center to the pixel, in pixels."""
    step: Float[Tensor, "m 3"]
    """s."""
    rays: Float[Tensor, "m 3"]
    """e."""
    alphas: Float[Tensor, "m"]
    peaks: Float[Tensor, "m"]
    curvatures: Float[Tensor, "m"]
    """a."""

    @staticmethod
    def of(rows: Float[Tensor, "m 16"], pixels: Float[Tensor, "m 2"]) -> OnRays:
        """The splats of these rows, each at the center of its pixel."""
        shapes, depths, at_center, along_x, along_y = rows.split(_COLUMNS, dim=1)
        away = pixels - shapes[:, :2]
        step = away[:, :1] * along_x + away[:, 1:] * along_y
        rays = at_center + step
        curvatures = rays.square().sum(-1)
        peaks = depths[:, 0] * (1 - (rays * step).sum(-1) / curvatures)
        return OnRays(rows, away, step, rays, alphas_at(shapes, away), peaks, curvatures)

    def gradient(self, z: Float[Tensor, "m"], to_logs: Float[Tensor, "m"]) -> Float[Tensor, "m 16"]:
        """The gradient to the rows, from the gradient to log T_i at z."""
        beyond = z - self.peaks
        per_z = 0.5 * self.curvatures * beyond
        bell = torch.exp(-per_z * beyond)
        per_passed = 1 / (1 - self.alphas * bell)
        to_peaks = to_logs * per_z.abs() * self.alphas * bell * per_passed
        behind = 0.5 * bell * per_passed - 1 / (1 - self.alphas)
        to_alphas = to_logs * torch.where(beyond > 0, behind, -0.5 * bell * per_passed)
        to_powers = torch.where(self.alphas < MAX_ALPHA, self.alphas * to_alphas, 0.0)
        to_curvatures = -0.5 * to_peaks * beyond / self.curvatures
        return self._to_rows(to_powers, to_peaks, to_curvatures)

    def _to_rows(
        self, to_powers: Float[Tensor, "m"], to_peaks: Float[Tensor, "m"], to_curvatures: Float[Tensor, "m"]
    ) -> Float[Tensor, "m 16"]:
        """From the gradients to log alpha, to peaks and to curvatures."""
        shapes, depths, _, along_x, along_y = self.rows.split(_COLUMNS, dim=1)
        share, x, y = self.peaks / depths[:, 0], self.away[:, :1], self.away[:, 1:]
        to_products = -to_peaks * depths[:, 0] / self.curvatures  # e.s
        twice = 2 * (to_curvatures - to_products * (1 - share))
        to_rays = twice[:, None] * self.rays + to_products[:, None] * self.step
        to_step = to_rays + to_products[:, None] * self.rays
        h, (xx, xy, yy) = to_powers[:, None], shapes[:, 2:5].split(1, dim=1)
        to_x = h * (xx * x + xy * y) - (to_step * along_x).sum(1, keepdim=True)
        to_y = h * (xy * x + yy * y) - (to_step * along_y).sum(1, keepdim=True)
        to_shapes = [to_x, to_y, -0.5 * h * x * x, -h * x * y, -0.5 * h * y * y, h / shapes[:, 5:]]
        return torch.cat([*to_shapes, (to_peaks * share)[:, None], to_rays, to_step * x, to_step * y], dim=1)
