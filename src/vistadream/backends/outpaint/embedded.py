"""The outpainter without a download: it completes the picture from its own known part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core.knobs import FROM_0, check_ranges


@dataclass(frozen=True)
class EmbeddedOutpainter:
    """Multi-scale PatchMatch completion (Wexler et al. 2007, Barnes et al. 2009), started from a smooth continuation.

    Deterministic for a seed on any number of threads. The prompt is not read: it only copies what is in the picture.
    """

    locality: float
    """Cost of copying over a distance of one long side, as a squared difference of square-rooted colors."""
    upright: float
    """Cost multiplier for copying across image rows: floors are below and ceilings above."""
    rarity: float
    """Fraction of a patch's difference from its best match elsewhere that is added to its cost."""
    rounds: int
    """Number of searches and votes at the coarsest scale; each finer scale has two fewer, at least two."""

    def __post_init__(self) -> None:
        check_ranges(self, locality=FROM_0, upright=FROM_0, rarity=FROM_0, rounds=(2, math.inf))

    def __call__(
        self, rgb: Float[Tensor, "h w 3"], hole: Bool[Tensor, "h w"], prompt: str, seed: int
    ) -> Float[Tensor, "h w 3"]:
        """`rgb` with its hole painted; known pixels bit-identical. ValueError when every pixel is hole."""
        mask = hole.cpu().numpy()
        if mask.all():
            raise ValueError(f"EmbeddedOutpainter: all {mask.size} pixels are hole; wanted at least one known pixel")
        if not mask.any():
            return rgb
        from vistadream.backends.outpaint.completion import Completion  # numba: for those that paint
        from vistadream.ops.numerics.jit import announce_compilation

        announce_compilation(__file__, "patch search", 10)
        # Square roots of colors, so that differences in dark rooms count.
        picture = torch.where(hole[..., None], 0, rgb.detach()).float().clamp(0, 1).sqrt().cpu().numpy()
        completion = Completion(
            self.locality, self.upright, self.rarity, self.rounds, seed, threads=torch.get_num_threads()
        )
        filled = torch.from_numpy(completion(picture, mask)).clamp(0, 1).square()
        return torch.where(hole[..., None], filled.to(rgb), rgb)
