"""Heightfields that rays are marched over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.textures import SIZE, fractal

FLAT_M = 4.0
"""Around the origin the land is level, so that the camera stands on it."""
STEPS, FIRST_M, GROWTH = 72, 0.5, 1.115
"""Of the march along a ray: each step is a tenth longer than the one before; the last ends at about a kilometre."""


@dataclass(frozen=True, eq=False)
class Terrain:
    """One periodic heightfield for each of b scenes."""

    heights: Float[Tensor, "b s s"]
    """Metres."""
    period_m: Float[Tensor, "b"]

    @staticmethod
    def draw(rng: Generator, count: int) -> Terrain:
        """Plains, hills and mountains."""
        slope = rng.uniform(1.3, 2.2, count)
        rough = np.stack([fractal(rng, s) for s in slope]) - 0.5
        height = np.exp(rng.uniform(np.log(2), np.log(250), count))
        period = height * np.exp(rng.uniform(np.log(5), np.log(30), count))
        heights = (rough * height[:, None, None]).astype(np.float32)
        return Terrain(torch.from_numpy(heights), torch.from_numpy(period.astype(np.float32)))

    def height(self, x: Float[Tensor, "b p"], z: Float[Tensor, "b p"]) -> Float[Tensor, "b p"]:
        """Metres above the origin's level."""
        scale = SIZE / self.period_m[:, None]
        u, v = x * scale, z * scale
        iu, iv = u.floor(), v.floor()
        fu, fv = u - iu, v - iv
        corners = [self._at(iv + j, iu + i) for j in (0, 1) for i in (0, 1)]
        low, high = torch.lerp(corners[0], corners[1], fu), torch.lerp(corners[2], corners[3], fu)
        ramp = (torch.hypot(x, z) / FLAT_M - 1).clamp(0, 12) / 12
        return torch.lerp(low, high, fv) * ramp

    def _at(self, row: Tensor, column: Tensor) -> Tensor:
        index = (row.long() % SIZE) * SIZE + column.long() % SIZE
        return torch.gather(self.heights.flatten(1), 1, index)

    def cast(self, origins: Float[Tensor, "b 3 1"], directions: Float[Tensor, "b 3 p"]) -> Float[Tensor, "b p"]:
        """Ray parameter of the first crossing, linear within a step; inf where a ray leaves for the sky."""
        ox, oy, oz = origins.unbind(1)
        dx, dy, dz = directions.unbind(1)
        hit = torch.full_like(dx, torch.inf)
        t, before = 0.0, oy - self.height(ox, oz) + 0 * dx
        for step in range(STEPS):
            after_t = t + FIRST_M * GROWTH**step * 0.2
            after = oy + after_t * dy - self.height(ox + after_t * dx, oz + after_t * dz)
            crossing = t + (after_t - t) * before / (before - after).clamp(min=1e-6)
            hit = torch.where(hit.isinf() & (after < 0), crossing, hit)
            t, before = after_t, after
        return hit

    def normal(self, x: Float[Tensor, "b p"], z: Float[Tensor, "b p"]) -> Float[Tensor, "b 3 p"]:
        """Unit normals, upwards, by central differences over half a texel."""
        d = 0.25 * self.period_m[:, None] / SIZE
        along_x = (self.height(x + d, z) - self.height(x - d, z)) / (2 * d)
        along_z = (self.height(x, z + d) - self.height(x, z - d)) / (2 * d)
        return torch.nn.functional.normalize(torch.stack([-along_x, torch.ones_like(x), -along_z], 1), dim=1)
