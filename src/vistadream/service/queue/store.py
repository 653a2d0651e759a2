"""The table of jobs, which is the queue, as requests use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from vistadream.service.brief import Brief
from vistadream.service.queue.attempts import FIRST, Attempts
from vistadream.service.queue.changes import note
from vistadream.service.queue.endings import write_with_the_end
from vistadream.service.queue.equal import equal_before
from vistadream.service.queue.migrations import MIGRATIONS, Migration
from vistadream.service.queue.tables import ENDED, JobRow, job_of, jobs, values_of

_OF_ID = select(jobs).where(jobs.c.id == bindparam("id"))
_PLACE_S = 0.25
"""How long a place in the queue is kept, unless this process changes the queue."""


class Store(Attempts):
    """Jobs in a database; each method is one transaction. Safe in threads and in processes."""

    def __init__(self, url: str, migrations: Sequence[Migration] = MIGRATIONS):
        super().__init__(url, migrations)
        self._ahead = Brief(self._count_ahead, _PLACE_S)

    def add(self, row: JobRow, further: Callable[[Connection], None] | None = None) -> JobRow:
        """Puts a job into the queue; of two with the same owner and idempotency key the first, which is returned.

        `further` writes rows that belong to the job, in the same transaction.
        """
        dialect = postgresql if self.database.engine.dialect.name == "postgresql" else sqlite
        values = values_of(replace(row, created_s=row.created_s or time.time()))
        statement = dialect.insert(jobs).values(values).on_conflict_do_nothing().returning(*jobs.c)
        added = self._write(statement, ends=row.state in ENDED, further=further)
        return added or self.by_idempotency_key(row.owner, row.idempotency_key) or self.get(row.id)

    def get(self, id: str) -> JobRow | None:
        return self._first(_OF_ID, id=id)

    def by_idempotency_key(self, owner: str, key: str | None) -> JobRow | None:
        """None for no key."""
        wanted = select(jobs).where(jobs.c.owner == owner, jobs.c.idempotency_key == key)
        return None if key is None else self._first(wanted)

    def page(
        self,
        owner: str | None = None,
        state: str | None = None,
        text: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[JobRow]:
        """Jobs, the newest first. `before`: the last id of the last page; `text`: an id, or part of a name."""
        wanted = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
        if owner is not None:
            wanted = wanted.where(jobs.c.owner == owner)
        if state is not None:
            wanted = wanted.where(jobs.c.state == state)
        if text:
            wanted = wanted.where(or_(jobs.c.input_name.icontains(text, autoescape=True), jobs.c.id == text.lower()))
        if before is not None:
            wanted = wanted.where(jobs.c.id < before)
        return self._all(wanted)

    def place(self, job: JobRow) -> int | None:
        """How many jobs go before this one; None unless it is queued.

        What workers began in the last quarter of a second may be among them.
        """
        return self._ahead(job.priority, job.id) if job.state == "queued" else None

    def _count_ahead(self, priority: int, id: str) -> int:
        """Two counts, as the index of the queue's order serves each of them, but not both joined by "or"."""
        queued = select(func.count()).select_from(jobs).where(jobs.c.state == "queued")
        higher = queued.where(jobs.c.priority > priority).scalar_subquery()
        older = queued.where(jobs.c.priority == priority, jobs.c.id < id).scalar_subquery()
        with self.database.reading() as connection:
            return connection.scalar(select(higher + older)) or 0

    def counts(self, owner: str | None = None) -> dict[str, int]:
        """How many jobs there are in each state that any job is in."""
        wanted = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        with self.database.reading() as connection:
            rows = connection.execute(wanted if owner is None else wanted.where(jobs.c.owner == owner))
            return {row[0]: row[1] for row in rows}

    def done_since(self, since_s: float, owner: str | None = None) -> int:
        """How many jobs were done from a time on, in seconds since 1970."""
        wanted = select(func.count()).where(jobs.c.state == "done", jobs.c.finished_s >= since_s)
        with self.database.reading() as connection:
            return connection.scalar(wanted if owner is None else wanted.where(jobs.c.owner == owner)) or 0

    def disk_bytes(self, owner: str) -> int:
        """What the jobs of an owner take on the disk."""
        with self.database.reading() as connection:
            return connection.scalar(select(func.sum(jobs.c.disk_bytes)).where(jobs.c.owner == owner)) or 0

    def note_disk(self, id: str, disk_bytes: int) -> None:
        """Keeps what a job takes on the disk."""
        with self.database.writing() as connection:
            connection.execute(update(jobs).where(jobs.c.id == id).values(disk_bytes=disk_bytes))

    def ask_cancel(self, id: str) -> JobRow | None:
        """Cancels a queued job at once, and has the worker of a running one cancel it; the job as it is then."""
        ended: dict[str, Any] = {"state": "cancelled", "finished_s": time.time(), "cancel_asked": True}
        changed = self._change(id, ("queued",), **ended) or self._change(id, ("running",), cancel_asked=True)
        return changed or self.get(id)

    def requeue(self, id: str, words: Sequence[str], request_id: str = "") -> JobRow | None:
        """Has an ended job go on with these words, as a request asks; None unless it has ended."""
        fresh: dict[str, Any] = {"deaths": 0, "failures": 0, "cancel_asked": False, "error": None, "finished_s": None}
        fresh |= {"result_key": "", "scene_key": "", "cached_from": None}  # it may have more results than asked for
        fresh |= {"exclusive": False, "memory_steps": []}
        return self._change(id, ENDED, state="queued", words=list(words), request_id=request_id, **fresh)

    def equal_under_way(self, job: JobRow) -> JobRow | None:
        """The job whose result a queued job waits for."""
        return self._first(select(jobs).where(*equal_before(job)).order_by(jobs.c.state.desc(), *FIRST).limit(1))

    def remove(self, id: str) -> bool:
        """Removes a job unless it is running. One that was queued ends cancelled by that."""
        gone = jobs.delete().where(jobs.c.id == id, jobs.c.state != "running").returning(*jobs.c)
        with self.database.writing() as connection:
            row = connection.execute(gone).mappings().first()
            if row:
                note(connection, job_of(row), "deleted")
            if row and row["state"] == "queued":
                ended = replace(job_of(row), state="cancelled", cancel_asked=True, finished_s=time.time())
                write_with_the_end(connection, ended)
        self._ahead.forget()
        return row is not None

    def _write(
        self, statement: Executable, ends: bool = False, further: Callable[[Connection], None] | None = None
    ) -> JobRow | None:
        written = super()._write(statement, ends, further)
        self._ahead.forget()
        return written
