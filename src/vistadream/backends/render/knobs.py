"""The knobs that every renderer has, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Gaussians
from vistadream.core.knobs import ABOVE_0, FROM_0, SHARE, check_ranges, require


@dataclass(frozen=True)
class RenderKnobs:
    """Clipping, blur and background; the same values give the same picture in each renderer."""

    near_z: float
    """Gaussians whose center is nearer are left out; in scene units."""
    far_z: float
    """Gaussians whose center is farther are left out."""
    eps2d_px2: float
    """Added to the variance of every splat, against aliasing."""
    mode: Literal["classic", "antialiased"]
    """classic: opacities stay as they are. antialiased: the opacity of a splat is lowered by the factor by which
    `eps2d_px2` enlarges its area (Mip-Splatting, Yu et al. 2024)."""
    radius_clip_px: float
    """Splats with a radius of at most this are left out."""
    background: Sequence[float]
    """RGB in [0, 1] behind everything."""

    def __post_init__(self) -> None:
        check_ranges(self, near_z=ABOVE_0, far_z=ABOVE_0, eps2d_px2=FROM_0, radius_clip_px=FROM_0, background=SHARE)
        require(self, "far_z", self.near_z < self.far_z, f"more than near_z, which is {self.near_z}")
        require(self, "background", len(self.background) == 3, "red, green and blue in [0, 1]")

    def check_request(
        self, want: Sequence[str], drawn: Sequence[str], gaussians: Gaussians, extra: Float[Tensor, "n c"] | None
    ) -> None:
        """ValueError if a wanted map is not one of `drawn`, or `extra` does not have one row per Gaussian."""
        owner = type(self).__name__
        if unknown := set(want) - set(drawn):
            raise ValueError(f"{owner}: want names {sorted(unknown)}; wanted some of {tuple(drawn)}")
        if extra is not None and (extra.dim() != 2 or len(extra) != len(gaussians)):
            raise ValueError(f"{owner}: extra is {tuple(extra.shape)}; wanted ({len(gaussians)}, channels)")

    def over_background(self, rgb: Float[Tensor, "*n 3"], alpha: Float[Tensor, "*n"]) -> Float[Tensor, "*n 3"]:
        """Colors rendered over black, composited over the background."""
        if not any(self.background):
            return rgb
        return rgb + torch.stack([(1 - alpha) * level for level in self.background], -1)
