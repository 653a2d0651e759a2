"""What workers do to the table of jobs. Every change of a job's state is one statement that says from which state."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, Select, func, select, update

from vistadream.service.queue.changes import note
from vistadream.service.queue.database import Database
from vistadream.service.queue.endings import write_with_the_end
from vistadream.service.queue.equal import EQUAL_IS_AHEAD, EQUAL_IS_DONE, EQUAL_RUNS
from vistadream.service.queue.migrations import MIGRATIONS, Migration
from vistadream.service.queue.tables import ENDED, JobRow, job_of, jobs

FIRST = (jobs.c.priority.desc(), jobs.c.id)
"""The order of the queue."""


class Attempts:
    """The queue in a database; each method is one transaction. Safe in threads and in processes."""

    def __init__(self, url: str, migrations: Sequence[Migration] = MIGRATIONS):
        """`url`: sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME. UserError where it cannot be opened."""
        self.database = Database(url, migrations)

    def close(self) -> None:
        self.database.close()

    def running(self) -> list[JobRow]:
        return self._all(select(jobs).where(jobs.c.state == "running").order_by(*FIRST))

    def next_queued(self, after: JobRow | None = None) -> JobRow | None:
        """The job that is to be begun next, or the one that follows another in the queue.

        One of which an equal job runs waits for that one's result.
        """
        wanted = select(jobs).where(jobs.c.state == "queued", ~EQUAL_RUNS)
        if after:
            same = wanted.where(jobs.c.priority == after.priority, jobs.c.id > after.id)
            lower = wanted.where(jobs.c.priority < after.priority)
            return self._first(same.order_by(*FIRST).limit(1)) or self._first(lower.order_by(*FIRST).limit(1))
        return self._first(wanted.order_by(*FIRST).limit(1))

    def answered(self, key: str | None = None) -> list[JobRow]:
        """Queued jobs of which an equal one is done: all of them, which takes a while where many are queued, or those
        of a key.
        """
        wanted = select(jobs).where(jobs.c.state == "queued", EQUAL_IS_DONE)
        return self._all((wanted if key is None else wanted.where(jobs.c.result_key == key)).order_by(*FIRST))

    def begin(self, id: str, worker: str = "", alone: bool = True) -> JobRow | None:
        """A new attempt at a queued job; None where somebody else was faster, whose transaction is not waited for.

        `alone`: not of a job of which an equal one runs, or is to run before.
        """
        mine = select(jobs.c.id).where(jobs.c.id == id, jobs.c.state == "queued").with_for_update(skip_locked=True)
        mine = mine.where(~EQUAL_RUNS, ~EQUAL_IS_AHEAD) if alone else mine
        first = func.coalesce(jobs.c.started_s, time.time())
        values = {"state": "running", "attempt": jobs.c.attempt + 1, "started_s": first, "worker": worker}
        values |= {"last_signal": None}
        return self._write(update(jobs).where(jobs.c.id == mine.scalar_subquery()).values(values).returning(*jobs.c))

    def take_over(self, job: JobRow, worker: str, deaths: int, stages_done: int) -> JobRow | None:
        """A new attempt at a running job whose worker has died; None where somebody else was faster."""
        values: dict[str, Any] = {"worker": worker, "deaths": deaths, "stages_done": stages_done, "last_signal": None}
        return self._change(job.id, ("running",), job.attempt, **values, next_attempt=True)

    def finish(self, id: str, attempt: int, state: str, error: str | None = None, **changed: Any) -> bool:
        """Ends an attempt if it is still the newest: the state becomes done, failed, cancelled, or queued once more."""
        changed |= {"finished_s": time.time()} if state in ENDED else {}
        return bool(self._change(id, ("running",), attempt, state=state, error=error, **changed))

    def is_cancel_asked(self, id: str) -> bool:
        with self.database.reading() as connection:
            return bool(connection.scalar(select(jobs.c.cancel_asked).where(jobs.c.id == id)))

    def note_signal(self, worker: str, signal: int) -> None:
        """Keeps which signal ended a worker, with the job that it was working on."""
        with self.database.writing() as connection:
            mine = update(jobs).where(jobs.c.worker == worker, jobs.c.state == "running")
            connection.execute(mine.values(last_signal=signal))

    def _change(
        self, id: str, states: Sequence[str], attempt: int | None = None, next_attempt: bool = False, **values: Any
    ) -> JobRow | None:
        """Changes a job that is in one of the states, and at this attempt; None where it is not."""
        wanted = update(jobs).where(jobs.c.id == id, jobs.c.state.in_(states))
        wanted = wanted if attempt is None else wanted.where(jobs.c.attempt == attempt)
        values |= {"attempt": jobs.c.attempt + 1} if next_attempt else {}
        return self._write(wanted.values(values).returning(*jobs.c), ends=values.get("state") in ENDED)

    def _write(
        self, statement: Executable, ends: bool = False, further: Callable[[Connection], None] | None = None
    ) -> JobRow | None:
        """The job that a statement changed. `ends`: it is one that makes a job end. `further` follows a change."""
        with self.database.writing() as connection:
            row = connection.execute(statement).mappings().first()
            job = None if row is None else job_of(row)
            if job:
                note(connection, job)
            if job and further:
                further(connection)
            if job and ends:
                write_with_the_end(connection, job)
        return job

    def _first(self, wanted: Select, **values: Any) -> JobRow | None:
        return next(iter(self._all(wanted, **values)), None)

    def _all(self, wanted: Select, **values: Any) -> list[JobRow]:
        with self.database.reading() as connection:
            return [job_of(row) for row in connection.execute(wanted, values).mappings()]
