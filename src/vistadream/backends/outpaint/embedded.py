"""The outpainter that needs no weights: the picture completed from its own known part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.outpaint.completion import Completion
from vistadream.core.knobs import FROM_0, check_ranges
from vistadream.ops.numerics.jit import announce_compilation


@dataclass(frozen=True)
class EmbeddedOutpainter:
    """Multi-scale PatchMatch completion (Wexler et al. 2007, Barnes et al. 2009), seeded by a smooth continuation.

    Deterministic for a seed on any number of threads. The prompt is not read: nothing is invented that is not there.
    """

    locality: float
    """Cost of copying from one long side of the picture away, as a squared difference of square-rooted colours."""
    upright: float
    """How many times dearer it is to copy from another height: floors lie below and ceilings above."""
    rarity: float
    """Share of a patch's misfit to all others that is added to its cost: padding is made of common patches."""
    rounds: int
    """Searches and votes at the coarsest scale; each finer one has two fewer, at least two."""

    def __post_init__(self) -> None:
        check_ranges(self, locality=FROM_0, upright=FROM_0, rarity=FROM_0, rounds=(2, math.inf))

    def __call__(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], prompt: str, seed: int
    ) -> Float[Tensor, "h w 3"]:
        """`rgb` with its hole invented; known pixels bit-identical. ValueError when every pixel is hole."""
        mask = hole.cpu().numpy()
        if mask.all():
            raise ValueError(f"EmbeddedOutpainter: all {mask.size} pixels are hole; wanted at least one known pixel")
        if not mask.any():
            return rgb
        announce_compilation(__file__, "patch search", 10)
        # square roots, so that dark rooms have differences that count
        picture = torch.where(hole[..., None], 0, rgb.detach()).float().clamp(0, 1).sqrt().cpu().numpy()
        completion = Completion(
            self.locality, self.upright, self.rarity, self.rounds, seed, threads=torch.get_num_threads()
        )
        filled = torch.from_numpy(completion(picture, mask)).clamp(0, 1).square()
        return torch.where(hole[..., None], filled.to(rgb), rgb)
