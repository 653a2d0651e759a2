"""How long finished jobs took, part by part, and what that says of jobs that are like them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import JSON, Column, Float, Index, Integer, Select, String, Table, delete, func, insert, select

from vistadream.service.queue.tables import metadata

if TYPE_CHECKING:
    from vistadream.service.queue.database import Database

_KEPT = 10_000
_ALIKE = 20
"""An estimate looks at this many of the newest jobs."""
_NO_TIME = ("seed", "prompt")
"""Knobs that do not change how long a job takes."""
timings = Table(
    "timings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alike", String(64), nullable=False),
    Column("waited_s", Float(53), nullable=False),
    Column("parts", JSON, nullable=False),
)
Index("of_jobs_alike", timings.c.alike, timings.c.id)


@dataclass(frozen=True)
class Timing:
    """One finished job."""

    alike: str
    """Equal for jobs that should take equally long, see `alike`."""
    waited_s: float
    """From the request to the start."""
    parts: Mapping[str, float]
    """Seconds of the start, of each stage, and of the delivery of the results."""
    id: int | None = None
    """Grows with time."""

    @property
    def seconds(self) -> float:
        """Of all the work, without pauses."""
        return sum(self.parts.values())


def alike(kind: str, words: Sequence[str]) -> str:
    """The same for jobs of one kind with the same knobs, apart from those that do not change the time."""
    counting = sorted(word for word in words if word.partition("=")[0] not in _NO_TIME)
    return hashlib.sha256(json.dumps([kind, counting]).encode()).hexdigest()


class Timings:
    """The table of times; each method is one transaction. Safe in threads and in processes."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, timing: Timing) -> None:
        """Keeps it, and the newest 10,000 with it."""
        values = {each.name: getattr(timing, each.name) for each in fields(timing) if each.name != "id"}
        with self._database.writing() as connection:
            new = connection.execute(insert(timings).values(values).returning(timings.c.id)).scalar_one()
            connection.execute(delete(timings).where(timings.c.id <= new - _KEPT))

    def newest(self, limit: int) -> list[Timing]:
        return self._all(select(timings).order_by(timings.c.id.desc()).limit(limit))

    def after(self, id: int) -> list[Timing]:
        """Those that came after this one, in order."""
        return self._all(select(timings).where(timings.c.id > id).order_by(timings.c.id))

    def last_id(self) -> int:
        """0 when there are none."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(timings.c.id))) or 0

    def expected(self, kind: str, words: Sequence[str]) -> dict[str, float]:
        """The median seconds of each part of jobs like this one; empty when there were none."""
        wanted = select(timings).where(timings.c.alike == alike(kind, words)).order_by(timings.c.id.desc())
        past = self._all(wanted.limit(_ALIKE))
        names = {name: None for timing in past for name in timing.parts}
        return {name: median(t.parts[name] for t in past if name in t.parts) for name in names}

    def _all(self, wanted: Select) -> list[Timing]:
        with self._database.reading() as connection:
            return [Timing(**row) for row in connection.execute(wanted).mappings()]


def seconds_left(expected: Mapping[str, float], finished: Collection[str], since_s: float) -> float | None:
    """Of the work that is left after the finished parts, of which the last one ended at `since_s`; None if unknown."""
    if not expected:
        return None
    left = sum(seconds for part, seconds in expected.items() if part not in finished)
    return round(max(0.0, left - max(0.0, time.time() - since_s)), 1)


class New:
    """The jobs that were done since the last call, and from the making of this on."""

    def __init__(self, times: Timings):
        self._times, self._seen = times, times.last_id()

    def __call__(self) -> list[Timing]:
        found = self._times.after(self._seen)
        self._seen = found[-1].id if found else self._seen
        return found
