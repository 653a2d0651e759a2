"""How far apart in depth the surfaces of the Gaussians are that one ray meets: of a single wall they are one.

The photos alone do not tell one opaque surface from two translucent ones, one close behind the other, and so a fit to
their colors makes such double surfaces. From another place these are blurred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer, Rendering
from vistadream.ops.gaussians.rotation import rotations_from_quats
from vistadream.ops.numerics.deterministic_sum import mean

SPREAD = "spread"
"""The word by which `WithSpread` is asked for what `spread_error` reads."""
USUAL = 0.02
"""The standard deviation of 1 / z on a ray, as a share of its mean, at which its error is one half."""
_OPAQUE = 0.5
"""Rays with less alpha are holes, which have no surface."""
_THINNEST = 0.1
"""Gaussians count as no thinner than this share of their length. Thinner ones, seen edge-on, have no certain depth."""
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""The products of two of the three numbers of a plane."""


@dataclass(frozen=True)
class WithSpread:
    """A Renderer that blends also 1 / z of the Gaussians, where they are densest on the ray, and its square.

    It does so where `want` has the word `spread`. The two maps are then the last of the extra channels.
    """

    renderer: Renderer

    def __call__(
        self,
        gaussians: Gaussians,
        cameras: Sequence[Camera],
        *,
        want: Sequence[str] = ("rgb", "z", "alpha"),
        extra: Float[Tensor, "n c"] | None = None,
    ) -> list[Rendering]:
        """As the renderer; for the spread also with alpha."""
        if SPREAD not in want:
            return self.renderer(gaussians, cameras, want=want, extra=extra)
        others = [*dict.fromkeys([*(name for name in want if name != SPREAD), "alpha"])]
        return [self._drawn(gaussians, camera, others, extra) for camera in cameras]

    def _drawn(self, gaussians: Gaussians, camera: Camera, want: Sequence[str], extra: Tensor | None) -> Rendering:
        planes = disparity_planes(gaussians, camera)
        products = torch.stack([planes[:, i] * planes[:, j] for i, j in _PAIRS], dim=1)
        channels = [*([] if extra is None else [extra]), planes, products]
        drawn = self.renderer(gaussians, [camera], want=want, extra=torch.cat(channels, dim=1))[0]
        return replace(drawn, extra=_along_rays(drawn.require("extra"), camera))


def disparity_planes(gaussians: Gaussians, camera: Camera) -> Float[Tensor, "n 3"]:
    """For each Gaussian the p, in camera axes, for which p . r is 1 / z where it is densest on the ray r of z = 1.

    For a flat Gaussian this is its plane, and exact; for others it is exact on the ray through the center, and has the
    right slope there. Scales get no gradient: thinner Gaussians are not the way to a single surface.
    """
    pose, scales = camera.to(gaussians.means.device).cam_from_world, gaussians.scales.detach().T.contiguous()
    scales = torch.maximum(scales, _THINNEST * scales.amax(dim=0))
    # The Gaussians are along the last axis, which is twice as fast as matrices of 3 x 3 one after another.
    axes = rotations_from_quats(gaussians.quats_wxyz).permute(1, 2, 0).contiguous()
    offset = (gaussians.means + pose[:3, 3] @ pose[:3, :3]).T.contiguous()
    whitened = (offset[:, None] * axes).sum(0) / scales
    normal = pose[:3, :3] @ (axes * (whitened / scales)).sum(1)
    return (normal / whitened.square().sum(0).clamp_min(1e-6)).T


def _along_rays(blended: Float[Tensor, "h w c"], camera: Camera) -> Float[Tensor, "h w c2"]:
    """The channels with the last nine, of planes and of their products, put together for the ray of each pixel."""
    rays = camera.rays(blended.device)
    others, planes, products = blended.split([blended.shape[-1] - 9, 3, 6], dim=-1)
    weights = torch.stack([(1 if i == j else 2) * rays[..., i] * rays[..., j] for i, j in _PAIRS], dim=-1)
    maps = [(planes * rays).sum(-1, keepdim=True), (products * weights).sum(-1, keepdim=True)]
    return torch.cat([others, *maps], dim=-1)


def spread_error(rendering: Rendering) -> Float[Tensor, ""]:
    """The mean over all rays of an error from 0, one surface, to 1, of a rendering by `WithSpread`.

    Large spreads count about alike, so that pixels at the edge of an object, where two surfaces do mix, have little
    gradient.
    """
    alpha, blended = rendering.require("alpha"), rendering.require("extra")
    opaque, share = alpha >= _OPAQUE, alpha.clamp_min(_OPAQUE)
    middle = torch.where(opaque, blended[..., -2] / share, 1.0)
    variance = torch.where(opaque, blended[..., -1] / share - middle.square(), 0.0).clamp_min(0.0)
    return mean(variance / (variance + (USUAL * middle).square()))
