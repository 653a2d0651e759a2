"""The knobs that every renderer has, and what they are checked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Gaussians

MODES = ("classic", "antialiased")


@dataclass(frozen=True)
class RenderKnobs:
    """What is drawn, and how softly; the same words mean the same picture in each renderer."""

    near_z: float = 0.01
    """Gaussians whose centre is nearer are left out; in units of the scene."""
    far_z: float = 1e10
    """Gaussians whose centre is farther are left out."""
    eps2d_px2: float = 0.3
    """Added to the variance of every splat, against aliasing."""
    mode: Literal["classic", "antialiased"] = "classic"
    """antialiased: what the blur adds to a splat's area it takes from its opacity (Mip-Splatting, Yu et al. 2024)."""
    radius_clip_px: float = 0.0
    """Splats that reach no farther than this from their centre are left out."""
    background: Sequence[float] = (0.0, 0.0, 0.0)
    """RGB in [0, 1] behind everything."""

    def __post_init__(self) -> None:
        owner = type(self).__name__
        if not 0 < self.near_z < self.far_z:
            raise ValueError(f"{owner}.near_z, far_z: got {self.near_z}, {self.far_z}; wanted 0 < near_z < far_z")
        if not 0 <= self.eps2d_px2 < math.inf:
            raise ValueError(f"{owner}.eps2d_px2: got {self.eps2d_px2}; wanted at least 0 and finite")
        if self.mode not in MODES:
            raise ValueError(f"{owner}.mode: got {self.mode!r}; wanted one of {MODES}")
        if not 0 <= self.radius_clip_px < math.inf:
            raise ValueError(f"{owner}.radius_clip_px: got {self.radius_clip_px}; wanted at least 0 and finite")
        if len(self.background) != 3 or not all(0 <= value <= 1 for value in self.background):
            raise ValueError(f"{owner}.background: got {self.background}; wanted red, green and blue in [0, 1]")

    def check_request(
        self, want: Sequence[str], drawn: Sequence[str], gaussians: Gaussians, extra: Float[Tensor, "n c"] | None
    ) -> None:
        """ValueError when a map is wanted that is not drawn, or `extra` has no row for each Gaussian."""
        owner = type(self).__name__
        if unknown := set(want) - set(drawn):
            raise ValueError(f"{owner}: want names {sorted(unknown)}; wanted some of {tuple(drawn)}")
        if extra is not None and (extra.dim() != 2 or len(extra) != len(gaussians)):
            raise ValueError(f"{owner}: extra is {tuple(extra.shape)}; wanted ({len(gaussians)}, channels)")

    def over_background(self, rgb: Float[Tensor, "*n 3"], alpha: Float[Tensor, "*n"]) -> Float[Tensor, "*n 3"]:
        """Colours over black, put over the background."""
        if not any(self.background):
            return rgb
        return rgb + (1 - alpha)[..., None] * torch.tensor(self.background, dtype=rgb.dtype, device=rgb.device)
