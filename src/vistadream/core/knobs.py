"""The values that a knob may have, and the knobs that are paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import get_args, get_type_hints

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


def check_choices(owner: object, **wanted: Sequence[str]) -> None:
    """Raises ValueError unless each named field of `owner` is a list of some of the wanted words, each at most once."""
    for name, known in wanted.items():
        values = getattr(owner, name)
        if odd := [value for value in values if value not in known or values.count(value) > 1]:
            near = "".join(f"; did you mean {word}?" for word in get_close_matches(str(odd[0]), known, 1))
            wishes = f"some of {', '.join(known)}, each once, or []"
            raise ValueError(f"{type(owner).__name__}.{name}: got {odd[0]!r}; wanted {wishes}{near}")


@cache
def path_fields(owner: type) -> frozenset[str]:
    """The fields of a dataclass whose type is `Path` or may be."""
    return frozenset(name for name, hint in get_type_hints(owner).items() if Path in (hint, *get_args(hint)))
