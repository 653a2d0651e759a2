"""The expected error of the layout's depth.

Its parameters give the best blends with the network on generated worlds, with a steep fall, so that rooms with the most
evidence keep their layout, which is right in the real kitchen (docs/embedded_depth.md).
"""

from __future__ import annotations

import math

from jaxtyping import Int
from numpy import ndarray

from vistadream.backends.depth.layout.lines import Segments

OUTDOORS = 0.3
"""Expected absolute error of log z in a picture with sky."""
UNKNOWN, DECAY, MOST = 0.3, 18.0, 0.5
"""The error of a room without evidence, the decay rate of the error with the evidence, and its upper bound."""
LINES_WEIGHT, LINES_ENOUGH = 0.1, 1.0
"""Weight of the lines along the axis with the fewest, and the length (in picture diagonals) at which it saturates."""


def error_of_room(score: float, segments: Segments, axes: Int[ndarray, "n"], diagonal_px: float) -> float:
    """Expected absolute error of log z of a room whose fit has this score; `axes` are from `Votes.axis`."""
    lengths = [float(segments.lengths_px[axes == axis].sum()) / diagonal_px for axis in range(3)]
    evidence = score + LINES_WEIGHT * min(*lengths, LINES_ENOUGH)
    return min(UNKNOWN * math.exp(-DECAY * evidence), MOST)
