"""What one owner may have: queued jobs, and bytes on the disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vistadream.service.access.knobs import QuotaKnobs
from vistadream.service.problems import ProblemError
from vistadream.service.queue.store import Store

_GB = 1e9
_LATER_S = "60"


@dataclass(frozen=True)
class Use:
    """What one owner has, and the most that the owner may have; None: there is no limit."""

    queued_jobs: int
    disk_bytes: int
    max_queued_jobs: int | None
    max_disk_bytes: int | None


class Quota:
    """The quotas of all owners."""

    def __init__(self, knobs: QuotaKnobs, store: Store):
        self._knobs, self._store, self._lock = knobs, store, threading.Lock()

    @contextmanager
    def room(self, owner: str, more_jobs: int = 1) -> Iterator[None]:
        """A block that puts jobs into the queue, one request at a time. ProblemError 429 or 507 where they are many."""
        with self._lock:
            self.check(owner, more_jobs)
            yield

    def use(self, owner: str) -> Use:
        """What an owner has of what the quotas allow."""
        most_gb = self._knobs.disk_gb
        return Use(
            queued_jobs=self._store.counts(owner).get("queued", 0),
            disk_bytes=self._store.disk_bytes(owner),
            max_queued_jobs=self._knobs.queued_jobs or None,
            max_disk_bytes=round(most_gb * _GB) if most_gb else None,
        )

    def check(self, owner: str, more_jobs: int = 1) -> None:
        """ProblemError 429 for too many queued jobs when these come, 507 for too many bytes on the disk."""
        if most := self._knobs.queued_jobs:
            queued = self._store.counts(owner).get("queued", 0)
            if queued + more_jobs > most:
                detail = f"{queued} jobs of yours are queued; wanted at most {most}: wait for some, or cancel some"
                raise ProblemError(429, detail, headers={"Retry-After": _LATER_S})
        if most_gb := self._knobs.disk_gb:
            used_gb = self._store.disk_bytes(owner) / _GB
            if used_gb >= most_gb:
                detail = f"your jobs take {used_gb:.3g} GB; wanted less than {most_gb:g} GB: delete some of them"
                raise ProblemError(507, detail)
