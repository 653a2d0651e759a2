"""When the soak tests kill a process."""

from __future__ import annotations

import math
import random
import time


class Clock:
    """When the next kill is due: some time after the first attempt that began since the last one.

    Short times are as likely as long ones (log-uniform), so that jobs of any length are met and yet come to their end.
    The first kill comes after the shortest time, so that there is one however fast the machine is.
    """

    def __init__(self, between_s: tuple[float, float], chance: random.Random):
        self._between_s, self.chance = between_s, chance
        self._due_s: float | None = None
        self._wait_s = between_s[0]
        self._attempts = 0

    def rings(self, attempts: int) -> bool:
        """`attempts`: how many have begun so far."""
        if self._due_s is None and attempts > self._attempts:
            self._due_s = time.monotonic() + self._wait_s
        if self._due_s is None or time.monotonic() < self._due_s:
            return False
        self._due_s, self._attempts = None, attempts
        self._wait_s = math.exp(self.chance.uniform(*map(math.log, self._between_s)))
        return True
