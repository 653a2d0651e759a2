"""Follows events.jsonl of jobs. One tail reads the file of a job, however many listen to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vistadream.service.queue.tables import ENDED

_SOONEST_S, _LATEST_S = 0.1, 1.5
"""The time from one look at a file to the next: short after news, and longer while nothing happens."""
_LONGER = 1.4


class Line(NamedTuple):
    """A line of the file, and its number from 1 on."""

    number: int
    text: str


class End(NamedTuple):
    """The end of a stream: the final state of the job, or None because the service stops."""

    state: str | None


@dataclass
class _Tail:
    """The lines of one file so far; `news` is set, and replaced, whenever there is more to know."""

    path: Path
    lines: list[str]
    news: asyncio.Event
    state: str | None = None
    """The final state, when it is reached."""
    read_bytes: int = 0
    listeners: int = 0
    task: asyncio.Task | None = None

    def grow(self) -> bool:
        """Reads the whole lines that were added. Whether there were any."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.read_bytes)
                added = stream.read()
        except OSError:
            return False
        whole = added[: added.rfind(b"\n") + 1]
        self.read_bytes += len(whole)
        self.lines += whole.decode().splitlines()
        return bool(whole)

    def tell(self) -> None:
        news, self.news = self.news, asyncio.Event()
        news.set()


class Tails:
    """The tails of all jobs that somebody listens to."""

    def __init__(self, path_of: Callable[[str], Path], state_of: Callable[[str], str | None]):
        """`path_of` gives the file of a job, `state_of` its state, or None when it was deleted."""
        self._path_of, self._state_of = path_of, state_of
        self._tails: dict[str, _Tail] = {}
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return sum(tail.listeners for tail in self._tails.values())

    def close(self) -> None:
        """Ends all streams, because the service stops."""
        self._closed = True
        for tail in self._tails.values():
            tail.tell()

    async def follow(self, job_id: str, after: int) -> AsyncIterator[Line | End]:
        """The lines with numbers over `after`, those to come too, and at last the End."""
        tail = self._join(job_id)
        try:
            while True:
                news = tail.news
                while after < len(tail.lines):
                    after += 1
                    yield Line(after, tail.lines[after - 1])
                if self._closed or tail.state:
                    yield End(tail.state)
                    return
                await news.wait()
        finally:
            self._leave(job_id, tail)

    async def final_state(self, job_id: str) -> str | None:
        """Waits for the end of a job; None when the service stops first."""
        async for each in self.follow(job_id, after=1 << 62):
            if isinstance(each, End):
                return each.state
        return None

    def _join(self, job_id: str) -> _Tail:
        if (tail := self._tails.get(job_id)) is None:
            tail = self._tails[job_id] = _Tail(self._path_of(job_id), [], asyncio.Event())
            tail.task = asyncio.create_task(self._watch(job_id, tail))
        tail.listeners += 1
        return tail

    def _leave(self, job_id: str, tail: _Tail) -> None:
        tail.listeners -= 1
        if tail.listeners == 0 and tail.task:
            tail.task.cancel()
            self._tails.pop(job_id, None)

    async def _watch(self, job_id: str, tail: _Tail) -> None:
        """Looks at the file until the job has ended. The state is read first, so that no line comes after it."""
        wait_s = _SOONEST_S
        while tail.state is None:
            state = await asyncio.to_thread(self._state_of, job_id)
            grown = await asyncio.to_thread(tail.grow)
            if state is None or state in ENDED:
                tail.state = state or "deleted"
            if grown or tail.state:
                tail.tell()
            wait_s = _SOONEST_S if grown else min(_LATEST_S, wait_s * _LONGER)
            await asyncio.sleep(wait_s)
