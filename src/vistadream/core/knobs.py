"""The range of a knob."""

from __future__ import annotations

import math

FROM_0, FROM_1 = (0, math.inf), (1, math.inf)
"""The ranges "0 or more" and "1 or more"."""


def check_ranges(owner: object, **wanted: tuple[float, float]) -> None:
    """Raises ValueError unless each named field of `owner` is a number from low to high, both included.

    NaN and infinite values are always refused. A high of infinity means that there is no upper limit.
    """
    for name, (low, high) in wanted.items():
        value = getattr(owner, name)
        if not (low <= value <= high and value < math.inf):
            words = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
            raise ValueError(f"{type(owner).__name__}.{name}: got {value}; wanted {words}")
