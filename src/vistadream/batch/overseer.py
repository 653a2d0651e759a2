"""What a driver decides from the events of the workers: what takes too long, what straggles, and which place is bad."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from vistadream.batch.folder import BatchFolder
from vistadream.batch.marks import Places, ask_to_stop, mark_straggler

_LONGEST_FROM_S, _TIMES_P95 = 600.0, 10
_STRAGGLES_FROM_S, _TIMES_MEDIAN = 10.0, 3
_FEW = 3
"""Less than this many items say nothing about time, and as many failures elsewhere passed make a place bad."""
_KILL_AFTER_S = 15.0
"""A worker that was asked to end an attempt, and has not for this long, is killed."""
_FAILED = ("broken", "full")

Place = tuple[str, str]
"""Node and device."""


@dataclass
class _Running:
    since_s: float
    worker: str
    size: int
    stop_since_s: float | None = None


class Overseer:
    """Watches the attempts of a batch. Times count from when it learned of a beginning, so that clocks may differ."""

    def __init__(
        self, folder: BatchFolder, timeout_s: float | None = None, now_s: Callable[[], float] = time.monotonic
    ):
        self._folder, self._timeout_s, self._now_s = folder, timeout_s, now_s
        self._places = Places(folder)
        self._running: dict[tuple[str, int], _Running] = {}
        self._sizes: dict[str, int] = {}
        self._seconds: dict[int, list[float]] = defaultdict(list)
        self._failed: dict[Place, set[str]] = defaultdict(set)
        self._passed: dict[Place, set[str]] = defaultdict(set)
        self._bad: set[Place] = set()

    def add(self, events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            id, attempt = str(event.get("id")), event.get("attempt", 0)
            place = (str(event.get("node")), str(event.get("device")))
            match event["event"]:
                case "began":
                    size = _size_class(event.get("size_px"))
                    self._running[id, attempt] = _Running(self._now_s(), str(event.get("worker")), size)
                case "ended":
                    run = self._running.pop((id, attempt), None)
                    if event.get("state") == "done" and run:
                        self._seconds[run.size].append(float(event.get("seconds", 0)))
                    if event.get("state") in _FAILED:
                        self._failed[place].add(id)
                case "killed":
                    self._running.pop((id, attempt), None)
                case "published":
                    self._passed[place].add(id)

    def look(self, is_all_taken: bool) -> list[str]:
        """Marks what is to end or to be helped; what there is to say. `is_all_taken`: nothing is left to hand out."""
        now_s, said = self._now_s(), []
        longest_s = self._longest_s()
        for (id, attempt), run in self._running.items():
            age_s, claim = now_s - run.since_s, self._folder.attempt(id, attempt)
            if age_s > longest_s and run.stop_since_s is None:
                run.stop_since_s = now_s
                ask_to_stop(claim, f"it took over {longest_s:.0f} s; wanted less: see batch.timeout_s")
                said.append(f"{id} is stopped on {run.worker}: it took over {longest_s:.0f} s")
            if is_all_taken and age_s > self._slow_from_s(run.size):
                mark_straggler(claim)
        return said + self._drain()

    def overdue_workers(self) -> set[str]:
        """Workers that do not even end an attempt that they were asked to end."""
        now_s = self._now_s()
        return {
            run.worker
            for run in self._running.values()
            if run.stop_since_s is not None and now_s - run.stop_since_s > _KILL_AFTER_S
        }

    def _longest_s(self) -> float:
        """How long an attempt may take."""
        if self._timeout_s is not None:
            return self._timeout_s
        known = [seconds for each in self._seconds.values() for seconds in each]
        if len(known) < _FEW:
            return math.inf
        return max(_LONGEST_FROM_S, _TIMES_P95 * quantiles(known, n=20, method="inclusive")[-1])

    def _slow_from_s(self, size: int) -> float:
        """From which age on an attempt at a picture of that size class straggles."""
        alike = self._seconds[size]
        known = alike if len(alike) >= _FEW else [seconds for each in self._seconds.values() for seconds in each]
        return max(_STRAGGLES_FROM_S, _TIMES_MEDIAN * median(known)) if len(known) >= _FEW else math.inf

    def _drain(self) -> list[str]:
        """Drains places on which several items failed that passed elsewhere, as long as another place is left."""
        said = []
        for place, failed in self._failed.items():
            others = {other for other in self._passed if other != place and other not in self._bad}
            passed = {id for other in others for id in self._passed[other]} & failed
            if place not in self._bad and len(passed) >= _FEW:
                self._bad.add(place)
                why = f"{len(passed)} items failed there that passed elsewhere"
                self._places.drain(*place, why)
                said.append(f"{place[1]} of {place[0]} gets nothing any more: {why}")
        return said


def _size_class(size_px: Any) -> int:
    """Pictures of one class differ by less than a factor of two in their pixels."""
    return round(math.log2(size_px)) if isinstance(size_px, int) and size_px > 0 else -1
