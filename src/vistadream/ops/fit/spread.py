"""How far apart in depth the Gaussians are that one ray meets: on a single surface they are close together.

The photos alone do not tell one opaque surface from two translucent ones, one close behind the other, and so a fit to
their colors makes such double surfaces. From another place these are blurred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer, Rendering
from vistadream.ops.numerics.deterministic_sum import mean

USUAL = 0.02
"""The standard deviation of log z on a ray at which its error is one half."""
_OPAQUE = 0.5
"""Rays with less alpha are holes, which have no surface."""


@dataclass(frozen=True)
class WithSpread:
    """A Renderer that also blends log z of the Gaussians and its square, as the last two of the extra channels."""

    renderer: Renderer

    def __call__(
        self,
        gaussians: Gaussians,
        cameras: Sequence[Camera],
        *,
        want: Sequence[str] = ("rgb", "z", "alpha"),
        extra: Float[Tensor, "n c"] | None = None,
    ) -> list[Rendering]:
        """As the renderer, and with alpha."""
        return [self._drawn(gaussians, camera, want, extra) for camera in cameras]

    def _drawn(self, gaussians: Gaussians, camera: Camera, want: Sequence[str], extra: Tensor | None) -> Rendering:
        z = camera.project(gaussians.means)[1]
        log_z = torch.where(z > 0, z, 1.0).log()
        channels = [*([] if extra is None else [extra]), torch.stack([log_z, log_z.square()], dim=1)]
        return self.renderer(
            gaussians, [camera], want=[*dict.fromkeys([*want, "alpha"])], extra=torch.cat(channels, dim=1)
        )[0]


def spread_error(rendering: Rendering) -> Float[Tensor, ""]:
    """The mean over all rays of an error from 0, one surface, to 1, of a rendering by `WithSpread`.

    Large spreads count about alike, so that pixels at the edge of an object, where two surfaces do mix, have little
    gradient.
    """
    alpha, blended = rendering.require("alpha"), rendering.require("extra")
    share = alpha.clamp_min(_OPAQUE)
    variance = (blended[..., -1] / share - (blended[..., -2] / share).square()).clamp_min(0.0)
    return mean(torch.where(alpha >= _OPAQUE, variance / (variance + USUAL**2), 0.0))
