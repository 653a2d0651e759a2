"""Draws one world from many cameras under one light, so that a surface has the same color in all pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor
from train_embedded_depth.cameras import Lens, Pose
from train_embedded_depth.generate import FAR_M, Stage, material, meet, shadow_of
from train_embedded_depth.light import Lights, Sky, toned
from train_embedded_depth.solids import Solids, cast
from train_embedded_depth.textures import TextureBank
from train_embedded_depth.world import World, batch

_FINER = 2
"""Rays along each side of a pixel."""
_OCCLUSION_M = 1.5
"""Surfaces within this distance keep light from all around away."""
_LIT_ACROSS = 128
"""Points across the picture at which the light from all around is found."""
_BRIGHTNESS = 0.3
"""Mean linear brightness of the photo after exposure."""
_ALL_AROUND = -1.0
"""Cosine of a cone that holds every direction."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a camera sees."""

    rgb: Float[Tensor, "h w 3"]
    """sRGB in [0, 1]."""
    z: Float[Tensor, "h w"]
    """Camera-space z in meters at the pixel centers; infinity in the sky."""


class LitWorld:
    """A world with its light, and the exposure that its photo is taken with."""

    def __init__(self, world: World, photo: Pose, inside: bool, fov_deg: float, bank: TextureBank, rng: Generator):
        """`photo`: the camera that the light is set up around; `inside`: lit by lamps rather than by the sun."""
        self._world, self._bank, self._inside, self._rng = world, bank, inside, rng
        self._focal = float(0.5 / np.tan(np.radians(fov_deg) / 2))
        self._lights = Lights.draw(rng, photo.eye[None], inside)
        self._sky = Sky.draw(rng, 1)
        self._everything = self._solids(photo, _ALL_AROUND)[0]
        self._exposure = _BRIGHTNESS / float(self._linear(photo, (48, 64)).mean().clamp(min=1e-4))

    def focal_px(self, width: int) -> float:
        return self._focal * width

    def draw(self, pose: Pose, size: tuple[int, int]) -> Drawing:
        """The picture and the depth of a camera; size is (height, width)."""
        height, width = size
        linear = self._linear(pose, (height * _FINER, width * _FINER))
        rgb = toned(F.avg_pool2d(linear, _FINER) * self._exposure)[0].permute(1, 2, 0)
        eyes, rays, _ = self._rays(pose, size)
        t = cast(self._solids(pose, self._widest(size))[0], eyes, rays).t.reshape(size)
        return Drawing(rgb.contiguous(), torch.where(t < FAR_M, t, torch.inf))

    def is_open(self, start: Float[ndarray, "3"], end: Float[ndarray, "3"]) -> bool:
        """Whether one can go from one place to the other, and stand there with a little room around."""
        line = _column(np.asarray(end) - np.asarray(start))
        return bool(cast(self._everything, _column(start), line).t > 1.1) and self._world.free(end, 0.1)

    def _lens(self, size: tuple[int, int]) -> Lens:
        return Lens(torch.tensor([self._focal]), torch.tensor([[0.5, 0.5 * size[0] / size[1]]]))

    def _rays(self, pose: Pose, size: tuple[int, int]) -> tuple[Tensor, Tensor, Lens]:
        """The eye "1 3 1", and rays "1 3 p" in the world, scaled to z = 1 in the camera."""
        lens = self._lens(size)
        rotation = torch.from_numpy((pose.rotation * np.array([1.0, -1.0, 1.0])).astype(np.float32))[None]
        return _column(pose.eye), torch.bmm(rotation, lens.rays(*size)), lens

    def _widest(self, size: tuple[int, int]) -> float:
        """Cosine of the angle between the optical axis and the picture's corner."""
        return float((1 / self._lens(size).rays(*size).norm(dim=1)).min())

    def _solids(self, pose: Pose, cosine: float) -> tuple[Solids, Tensor]:
        ahead = pose.rotation[:, 2]
        return batch([self._world], pose.eye[None].astype(np.float32), ahead[None], np.array([cosine]))

    def _linear(self, pose: Pose, size: tuple[int, int]) -> Float[Tensor, "1 3 h w"]:
        """Light that reaches the camera."""
        eyes, rays, lens = self._rays(pose, size)
        solids, looks = self._solids(pose, self._widest(size))
        seen = meet(Stage(self._rng, solids, looks, None, self._bank, self._inside, False), eyes, rays)
        sky = ~(seen.t < FAR_M)
        albedo, glow, _ = material(
            Stage(self._rng, solids, looks, None, self._bank, True, False), seen, rays, size, lens
        )
        above = seen.points + 0.01 * seen.normal
        shadow = shadow_of(self._everything, above, self._lights.towards_key(above), size, _FINER)
        open_share = _open_share(self._everything, above, seen.normal, size, sky)
        color = albedo * (self._lights.irradiance(seen.points, seen.normal, shadow, open_share) + 2 * glow)
        color = torch.where(sky[:, None], self._sky.radiance(self._bank, rays), color)
        return color.reshape(1, 3, *size)


def _open_share(
    solids: Solids, points: Tensor, normals: Tensor, size: tuple[int, int], sky: Bool[Tensor, "1 p"]
) -> Float[Tensor, "1 p"]:
    """How much of the light from all around reaches a point, by rays in fixed directions of the world.

    They are cast for some of the rows and columns; directions that are the same for all cameras give a surface the same
    light in every picture.
    """
    every = max(2, size[1] // _LIT_ACROSS)
    start, small = every // 2 - 1, (size[0] // every, size[1] // every)
    at, n = (x.reshape(1, 3, *size)[:, :, start::every, start::every].flatten(2) for x in (points, normals))
    arrived = torch.zeros(at.shape[0], at.shape[2])
    possible = torch.zeros_like(arrived)
    for direction in _DIRECTIONS:
        weight = torch.einsum("c,bcp->bp", direction, n).clamp(min=0)
        blocked = cast(solids, at, direction[None, :, None].expand_as(at) * _OCCLUSION_M).t < 1
        arrived += weight * ~blocked
        possible += weight
    share = (arrived / possible.clamp(min=1e-6)).reshape(1, 1, *small)
    full = F.interpolate(share, size, mode="bilinear").flatten(1)
    return torch.where(sky, 1.0, full)


def _sphere(count: int) -> Float[Tensor, "n 3"]:
    """Directions that are spread evenly over the sphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    y, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - y**2)
    return torch.from_numpy(np.stack([radius * np.cos(angle), y, radius * np.sin(angle)], -1)).float()


_DIRECTIONS = _sphere(24)


def _column(point: Float[ndarray, "3"]) -> Float[Tensor, "1 3 1"]:
    return torch.from_numpy(np.asarray(point, np.float32))[None, :, None]
