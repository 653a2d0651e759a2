"""How far a batch is, from what its workers have written: one line for the console."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from vistadream.batch.plan import Counted

_PARTS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Tally:
    """Counts the events of one start."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic):
        self._now_s, self._began_s = now_s, now_s()
        self._running: dict[str, tuple[Any, Any]] = {}
        self._slowest_s = 0.0
        self._published: set[str] = set()
        self._given_up: set[str] = set()
        self.tries_again = 0
        """Attempts that ended without a scene, and that others followed."""

    def add(self, events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            id, worker = event.get("id"), str(event.get("of", event.get("worker")))
            match event["event"]:
                case "began":
                    self._running[worker] = event.get("node"), event.get("device")
                case "ended" | "killed":
                    self._running.pop(worker, None)
                    if event.get("state") == "done":
                        self._slowest_s = max(self._slowest_s, float(event.get("seconds", 0)))
                    self.tries_again += event.get("state") not in ("done", "failed", "interrupted")
                case "published":
                    self._published.add(str(id))
                case "given_up":
                    self._given_up.add(str(id))

    def line(self, counted: Counted | None) -> str:
        """Done, running on how many devices, failed, images an hour, the time left and that of the slowest item.

        `counted`: once the listing is at its end.
        """
        done = len(self._published) + (counted.done if counted else 0)
        bad = len(self._given_up) + (counted.given_up if counted else 0)
        of = f" of {counted.items:,}" if counted else ""
        again = f", {self.tries_again:,} tried again" if self.tries_again else ""
        devices = len(set(self._running.values()))
        on = f" on {devices:,} device{'s' * (devices > 1)}" if devices else ""
        line = f"{done:,}{of} done, {len(self._running):,} running{on}, {bad:,} given up{again}"
        ended = len(self._published) + len(self._given_up)
        if not ended:
            return line
        each_s = (self._now_s() - self._began_s) / ended
        rate = f"; {3600 / each_s:,.0f} images an hour" if each_s > 0 else ""
        left = f", {duration((counted.items - done - bad) * each_s)} left" if counted else ""
        return line + rate + left + (f"; the slowest took {duration(self._slowest_s)}" if self._slowest_s else "")


def duration(seconds: float) -> str:
    """In its two largest units, such as 2 h 5 min."""
    left, parts = round(max(0.0, seconds)), list[str]()
    for size_s, unit in _PARTS:
        if left >= size_s or (unit == "s" and not parts):
            parts.append(f"{left // size_s} {unit}")
            left %= size_s
    return " ".join(parts[:2])
