"""How far the layout can be trusted: the error to be expected of its depth.

Fitted so that blends with the network come out best on generated worlds (research/train_embedded_depth), with a fall
steep enough that rooms which the evidence speaks for most keep the layout that the real kitchen shows to be right
(docs/embedded_depth.md).
"""

from __future__ import annotations

import math

from jaxtyping import Int
from numpy import ndarray

from vistadream.backends.depth.layout.lines import Segments

OUTDOORS = 0.3
"""Expected absolute error of log z where there is sky."""
UNKNOWN, DECAY, MOST = 0.3, 18.0, 0.5
"""Of a room that nothing speaks for or against, the fall of its logarithm with the evidence, and an upper bound."""
LINES_WEIGHT, LINES_ENOUGH = 0.1, 1.0
"""Of lines along the axis with the fewest, and the length of them, in diagonals, beyond which more add nothing."""


def error_of_room(score: float, segments: Segments, axes: Int[ndarray, "n"], diagonal_px: float) -> float:
    """Expected absolute error of log z of a room with that score of its fit; `axes` as of `Votes.axis`."""
    lengths = [float(segments.lengths_px[axes == axis].sum()) / diagonal_px for axis in range(3)]
    evidence = score + LINES_WEIGHT * min(*lengths, LINES_ENOUGH)
    return min(UNKNOWN * math.exp(-DECAY * evidence), MOST)
