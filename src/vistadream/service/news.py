"""What happens to all jobs of an owner, for streams of events. One watch reads the log, however many listen."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from vistadream.service.progress import progress_of
from vistadream.service.queue.changes import Change, changes_after, kept_numbers
from vistadream.service.queue.store import Store

_SOONEST_S, _LATEST_S = 0.1, 1.0
"""The time from one look at the log to the next: short after news, and longer while nothing happens."""
_LONGER = 1.4
_PAGE = 500
_MOST_RECENT = 2_000
"""Changes in memory; who is further behind reads the log."""


class Event(NamedTuple):
    """One event of a stream."""

    event: str
    """hello, gap, job, progress or bye."""
    data: dict[str, Any]
    number: int | None = None
    """Of the change, from which a stream goes on."""


@dataclass
class _Progress:
    """How far a running job is; `version` grows with each change of any of them."""

    owner: str
    data: dict[str, Any]
    version: int


class News:
    """The changes of all jobs, while somebody listens."""

    def __init__(self, store: Store, events_of: Callable[[str], Path]):
        """`events_of` gives the events.jsonl of a job."""
        self._store, self._events_of = store, events_of
        self._recent: list[Change] = []
        self._since = 0
        """All changes after this number are among the recent ones."""
        self._progress: dict[str, _Progress] = {}
        self._version = 0
        self._told = asyncio.Event()
        self._task: asyncio.Task | None = None
        self._closed = False
        self.listeners = 0

    def close(self) -> None:
        """Ends all streams, because the service stops."""
        self._closed = True
        self._tell()

    async def follow(self, owner: str, after: int | None) -> AsyncIterator[Event]:
        """The changes of an owner's jobs after a number, or from now on, those to come, and at last bye."""
        self._join()
        try:
            first, number = await asyncio.to_thread(self._first, after)
            yield first
            version = 0
            while not self._closed:
                told, since = self._told, self._since
                changes = await self._after(number, owner)
                for change in changes:
                    yield Event("job", _data(change), change.number)
                    number = change.number
                if len(changes) < _PAGE:
                    number = max(number, since)  # who has nothing new need not read the log again
                fresh = [each for each in self._progress.values() if each.owner == owner and each.version > version]
                version = self._version
                for progress in fresh:
                    yield Event("progress", progress.data)
                if not changes:
                    await told.wait()
            yield Event("bye", {})
        finally:
            self._leave()

    def _first(self, after: int | None) -> tuple[Event, int]:
        """The first event, and the number after which the changes follow."""
        with self._store.database.reading() as connection:
            lowest, highest = kept_numbers(connection)
        if after is None or after > highest:
            return Event("hello" if after is None else "gap", {}, highest), highest
        return Event("hello" if after >= lowest - 1 else "gap", {}, after), after

    async def _after(self, number: int, owner: str) -> list[Change]:
        if number < self._since:
            return await asyncio.to_thread(self._read, number, owner)
        recent = self._recent[bisect_right(self._recent, number, key=lambda change: change.number) :]
        return [change for change in recent if change.owner == owner]

    def _read(self, number: int, owner: str | None = None) -> list[Change]:
        with self._store.database.reading() as connection:
            return changes_after(connection, number, _PAGE, owner)

    def _join(self) -> None:
        self.listeners += 1
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    def _leave(self) -> None:
        self.listeners -= 1
        if self.listeners == 0 and self._task:
            self._task.cancel()
            self._task = None

    def _tell(self) -> None:
        told, self._told = self._told, asyncio.Event()
        told.set()

    async def _watch(self) -> None:
        self._recent, self._progress = [], {}
        self._since = (await asyncio.to_thread(self._first, None))[1]
        self._tell()  # for those who listened before the watch began
        wait_s, look_at_s = _SOONEST_S, 0.0
        while True:
            last = self._recent[-1].number if self._recent else self._since
            added, moved = await asyncio.to_thread(self._read, last), False
            self._keep(added)
            if time.monotonic() >= look_at_s:
                moved = self._note(await asyncio.to_thread(self._look))
                look_at_s = time.monotonic() + _LATEST_S
            if added or moved:
                self._tell()
            wait_s = _SOONEST_S if added else min(_LATEST_S, wait_s * _LONGER)
            await asyncio.sleep(wait_s)

    def _keep(self, added: list[Change]) -> None:
        self._recent += added
        if len(self._recent) > 2 * _MOST_RECENT:
            self._since = self._recent[-_MOST_RECENT - 1].number
            self._recent = self._recent[-_MOST_RECENT:]

    def _look(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Owner and progress of each running job."""
        found = {}
        for job in self._store.running():
            stage, progress = progress_of(self._events_of(job.id))
            data = {"job": job.id, "stage": stage, "progress": progress and progress.model_dump()}
            found[job.id] = (job.owner, data)
        return found

    def _note(self, found: dict[str, tuple[str, dict[str, Any]]]) -> bool:
        """Whether any job has moved."""
        before = {key: (each.owner, each.data) for key, each in self._progress.items()}
        moved = {key: each for key, each in found.items() if before.get(key) != each}
        self._version += bool(moved)
        self._progress = {key: each for key, each in self._progress.items() if key in found}
        self._progress |= {key: _Progress(*each, self._version) for key, each in moved.items()}
        return bool(moved)


def _data(change: Change) -> dict[str, Any]:
    return {
        "job": change.job_id,
        "state": change.state,
        "attempt": change.attempt,
        "cancel_asked": change.cancel_asked,
        "error": change.error,
        "time": datetime.fromtimestamp(change.at_s, UTC).isoformat(),
    }
