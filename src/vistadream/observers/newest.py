"""Few lines for values that come often: of each name some at once, and always the last one."""

from __future__ import annotations

import math
from typing import Any

Line = dict[str, Any]


class Newest:
    """Holds back lines that come sooner than `every_s` after the last one of their name; a newer one replaces it."""

    def __init__(self, every_s: float):
        self._every_s = every_s
        self._written_s: dict[str, float] = {}
        self._held: dict[str, Line] = {}

    def of_a_series(self, name: str, line: Line, now_s: float) -> list[Line]:
        """What is to be written now that a value of a series came, such as a loss."""
        self._held.pop(name, None)
        self._held[name] = line
        due = [each for each in self._held if now_s - self._written_s.get(each, -math.inf) >= self._every_s]
        self._written_s |= dict.fromkeys(due, now_s)
        return [self._held.pop(each) for each in due]

    def before_another(self) -> list[Line]:
        """What is to be written before anything else is: all that was held back, in its order."""
        held, self._held = list(self._held.values()), {}
        return held
