"""How far the layout can be trusted: the error to be expected of its depth.

Fitted on 115 generated worlds (tools/train_embedded_depth): the third of the rooms that the evidence speaks for most is
read with less than half the error of the third that it speaks against.
"""

from __future__ import annotations

import math

from jaxtyping import Int
from numpy import ndarray

from vistadream.backends.depth.layout.lines import Segments

OUTDOORS = 0.24
"""Expected absolute error of log z where there is sky."""
UNKNOWN, DECAY, MOST = 0.24, 6.0, 0.35
"""Of a room that nothing speaks for or against, the fall of its logarithm with the evidence, and an upper bound."""
LINES_WEIGHT, LINES_ENOUGH = 0.1, 1.0
"""Of lines along the axis with the fewest, and the length of them, in diagonals, beyond which more add nothing."""


def error_of_room(score: float, segments: Segments, axes: Int[ndarray, "n"], diagonal_px: float) -> float:
    """Expected absolute error of log z of a room with that score of its fit; `axes` as of `Votes.axis`."""
    lengths = [float(segments.lengths_px[axes == axis].sum()) / diagonal_px for axis in range(3)]
    evidence = score + LINES_WEIGHT * min(*lengths, LINES_ENOUGH)
    return min(UNKNOWN * math.exp(-DECAY * evidence), MOST)
