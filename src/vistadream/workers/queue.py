"""What workers need of a queue, as nouns and a protocol."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class Task:
    """One attempt at a job."""

    id: str
    attempt: int
    kind: str
    """The name of a file in conf/job/."""
    words: tuple[str, ...]
    """All overrides of the run; what an earlier attempt was given does not count."""
    run: Path
    """The run folder, which an earlier attempt may have begun."""
    request_id: str = ""
    """Of the request that asked for the job, for the log."""
    memory_steps: tuple[str, ...] = ()
    """What was done because the memory was full for earlier attempts."""
    result: str | None = None
    """The name of a result that is to be made of the finished scene; None: the run itself is the task."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended."""

    state: Literal["done", "failed", "cancelled", "interrupted", "broken", "full"]
    """interrupted: to go on later; broken: ended by an error of the program, and worth another attempt; full: ended
    because the memory was full, which a fresh process may cure."""
    error: str | None = None
    errno: int | None = None
    """The number of the system's error behind it, if there is one."""


class Queue(Protocol):
    """Where a worker gets its tasks. Of each job at most one task is under way, whatever dies."""

    def take(self, worker: str, fresh: bool) -> Task | None:
        """A task that is this worker's until it settles it, or its process ends; None when there is none.

        `fresh`: the process has had no task before. Some are given to such processes alone.
        """

    def wants_fresh(self) -> bool:
        """Whether the next task waits for a fresh process."""

    def settle(self, task: Task, outcome: Outcome) -> None:
        """Says how the task ended, and lets it go."""

    def leave(self, task: Task, outcome: Outcome) -> None:
        """As `settle`, by a process that ends next: the task stays its own until then."""

    def is_cancelled(self, task: Task) -> bool:
        """Whether somebody asked for the end of the job."""

    def cancelled_workers(self) -> Collection[str]:
        """The workers that were asked to end their tasks, by the names that they took them with."""

    def worker_died(self, worker: str, signal: int | None) -> None:
        """The process of a worker has ended, by this signal or by itself."""
