"""How far the layout is trusted, from the evidence of the lines for it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from vistadream.backends.depth.layout.lines import Segments

LINES_WEIGHT, LINES_ENOUGH = 0.1, 1.0
"""Weight of the lines along the axis with the fewest, and the length (in picture diagonals) at which it saturates."""
ENOUGH = 0.07
"""Evidence at which a room is trusted fully."""


def evidence_of_room(score: float, segments: Segments, axes: Int[ndarray, "n"], diagonal_px: float) -> float:
    """Evidence for a room whose fit has this score; `axes` are from `Votes.axis`. 0 or less: none."""
    lengths = [float(segments.lengths_px[axes == axis].sum()) / diagonal_px for axis in range(3)]
    return score + LINES_WEIGHT * min(*lengths, LINES_ENOUGH)


def trust_of(evidence: float) -> float:
    """Trust in [0, 1]; it rises smoothly with the evidence."""
    return smooth_step(evidence / ENOUGH)


def smooth_step(x: float) -> float:
    """0 below 0, 1 above 1, with a continuous slope between."""
    t = float(np.clip(x, 0, 1))
    return t * t * (3 - 2 * t)
