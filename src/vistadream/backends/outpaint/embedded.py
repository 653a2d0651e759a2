"""The outpainter that needs no weights: the picture completed from its own known part."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.outpaint.completion import complete


@dataclass(frozen=True)
class EmbeddedOutpainter:
    """Multi-scale PatchMatch completion (Wexler et al. 2007, Barnes et al. 2009), seeded by a mirrored, blurred one.

    Deterministic for a seed on any number of threads. The prompt is not read: nothing is invented that is not there.
    """

    locality: float = 0.02
    """Cost of taking a patch from one long side of the picture away, as a squared colour difference in [0, 1]."""
    rounds: int = 6
    """Searches and votes at the coarsest scale; each finer one has two fewer, at least two."""

    def __post_init__(self) -> None:
        if not self.locality >= 0:
            raise ValueError(f"EmbeddedOutpainter.locality: got {self.locality}; wanted 0 or more")
        if self.rounds < 2:
            raise ValueError(f"EmbeddedOutpainter.rounds: got {self.rounds}; wanted 2 or more")

    def __call__(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], prompt: str, seed: int
    ) -> Float[Tensor, "h w 3"]:
        """`rgb` with its hole invented; known pixels bit-identical. ValueError when every pixel is hole."""
        mask = hole.cpu().numpy()
        if mask.all():
            raise ValueError(f"EmbeddedOutpainter: all {mask.size} pixels are hole; wanted at least one known pixel")
        if not mask.any():
            return rgb
        picture = torch.where(hole[..., None], 0, rgb.detach()).float().cpu().numpy()
        filled = complete(picture, mask, seed, self.locality, self.rounds)
        return torch.where(hole[..., None], torch.from_numpy(filled).to(rgb).clamp(0, 1), rgb)
