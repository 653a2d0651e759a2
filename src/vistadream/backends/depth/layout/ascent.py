"""Hill climbing for a few parameters and a score without derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def ascend(
    start: Float[ndarray, "n"],
    moves: Float[ndarray, "m n"],
    score: Callable[[Float[ndarray, "n"]], float],
    shrinks: Sequence[float] = (1.0, 0.5, 0.25, 0.12),
    rounds: int = 4,
) -> Float[ndarray, "n"]:
    """The best point reached by steps along +-moves; a step is taken if the score rises, then the steps shrink."""
    best, best_score = start, score(start)
    for shrink in shrinks:
        for _ in range(rounds):
            before = best_score
            for step in np.concatenate([moves, -moves]) * shrink:
                trial_score = score(best + step)
                if trial_score > best_score:
                    best, best_score = best + step, trial_score
            if best_score == before:
                break
    return best
