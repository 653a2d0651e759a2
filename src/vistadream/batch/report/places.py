"""How long a batch worked, and each of its workers and devices: from its attempts, one after the other."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from vistadream.batch.index_rows import Row


class Span:
    """The seconds in which at least one of some attempts was under way; they come in the order of their beginnings."""

    def __init__(self) -> None:
        self.seconds, self._until = 0.0, float("-inf")

    def add(self, began: float, ended: float) -> None:
        self.seconds += max(0.0, ended - max(began, self._until))
        self._until = max(self._until, ended)


class _Place:
    """A worker or a device."""

    def __init__(self) -> None:
        self._span, self._busy_s = Span(), 0.0
        self._attempts = self._done = 0
        self._processes = set[str]()

    def add(self, attempt: Row, seconds: float) -> None:
        self._attempts += 1
        self._done += attempt["state"] == "done"
        self._processes.add(attempt["worker"])
        self._busy_s += seconds
        if seconds:
            self._span.add(attempt["began"], attempt["ended"])

    def figures(self, whole_s: float) -> dict[str, Any]:
        span_s = self._span.seconds
        return {
            "processes": len(self._processes),
            "done": self._done,
            "attempts": self._attempts,
            "busy_s": round(self._busy_s, 3),
            "busy_share": span_s / whole_s if whole_s else None,
            "images_an_hour": 3600 * self._done / span_s if span_s else None,
        }


class Places:
    """The figures of all attempts, which come in the order of their beginnings."""

    def __init__(self, attempts: Iterable[Row]):
        self._span, self.busy_s = Span(), 0.0
        self._workers: dict[tuple[str, str], _Place] = {}
        self._devices: dict[tuple[str, str], _Place] = {}
        self._first: dict[str, float] = {}
        self._later = array("d")
        for each in attempts:
            self._add(each)

    @property
    def working_s(self) -> float:
        """Seconds in which at least one attempt was under way."""
        return round(self._span.seconds, 3)

    def workers(self) -> list[dict[str, Any]]:
        """Those of one slot, one process after the other, are one."""
        return self._figures(self._workers)

    def devices(self) -> list[dict[str, Any]]:
        return self._figures(self._devices)

    def first_items_s(self) -> float:
        """How much longer the first items of processes took than the median of all others: imports, kernels, models."""
        if not self._later:
            return 0.0
        usual = float(np.median(self._later))
        return sum(max(0.0, seconds - usual) for seconds in self._first.values())

    def _add(self, attempt: Row) -> None:
        seconds, node, worker = _seconds(attempt), attempt["node"] or "?", attempt["worker"]
        self.busy_s += seconds
        if seconds:
            self._span.add(attempt["began"], attempt["ended"])
        self._workers.setdefault((node, worker.rpartition("-")[0] or worker), _Place()).add(attempt, seconds)
        self._devices.setdefault((node, attempt["device"] or "?"), _Place()).add(attempt, seconds)
        if attempt["state"] == "done" and attempt["began"] is not None:
            if worker in self._first:
                self._later.append(seconds)
            else:
                self._first[worker] = seconds

    def _figures(self, places: dict[tuple[str, str], _Place]) -> list[dict[str, Any]]:
        return [
            {"node": node, "name": name, **place.figures(self.working_s)}
            for (node, name), place in sorted(places.items())
        ]


def _seconds(attempt: Row) -> float:
    """How long an attempt took; 0 while it goes on."""
    if attempt["began"] is None or attempt["ended"] is None:
        return 0.0
    return max(0.0, attempt["ended"] - attempt["began"])
