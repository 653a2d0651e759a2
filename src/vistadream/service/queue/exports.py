"""The results that are to be made of finished scenes, of which workers take one as they take a job."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Update,
    case,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from vistadream.service.queue.database import Database
from vistadream.service.queue.export_table import UNDER_WAY, ExportRow, exports
from vistadream.service.queue.tables import JobRow, jobs


class Exports:
    """The table; each method is one transaction. Safe in threads and in processes."""

    def __init__(self, database: Database):
        self._database = database

    def get(self, job_id: str, name: str) -> ExportRow | None:
        with self._database.reading() as connection:
            return _row(connection.execute(select(exports).where(*_is(job_id, name))).mappings().first())

    def ask(self, job: JobRow, name: str, done_before_s: float, failed_before_s: float) -> ExportRow | None:
        """Has a result made, unless that is under way; the row as it is then. None: the job has been deleted.

        It is made anew where it was done or failed earlier than that, or for an earlier scene of the job.
        """
        fresh: dict[str, Any] = {"state": "queued", "deaths": 0, "job_attempt": job.attempt, "error": None}
        dialect = postgresql if self._database.engine.dialect.name == "postgresql" else sqlite
        new = dialect.insert(exports).values(job_id=job.id, name=name, attempt=0, **fresh).on_conflict_do_nothing()
        limit_s = case((exports.c.state == "done", done_before_s), else_=failed_before_s)
        old = (exports.c.ended_s < limit_s) | (exports.c.job_attempt != job.attempt)
        again = update(exports).where(*_is(job.id, name), exports.c.state.not_in(UNDER_WAY), old).values(fresh)
        try:
            with self._database.writing() as connection:
                connection.execute(new)
                connection.execute(again)
        except IntegrityError:  # there is no such job any more
            return None
        return self.get(job.id, name)

    def under_way(self) -> list[ExportRow]:
        """What is queued or running, of jobs that are done; of the oldest job first."""
        wanted = select(exports).join(jobs).where(exports.c.state.in_(UNDER_WAY), jobs.c.state == "done")
        with self._database.reading() as connection:
            found = connection.execute(wanted.order_by(exports.c.job_id, exports.c.name)).mappings()
            return [ExportRow(**row) for row in found]

    def begin(self, row: ExportRow, deaths: int) -> ExportRow | None:
        """A new attempt; None where somebody else was faster, or the job is not done any more."""
        done = select(jobs.c.id).where(jobs.c.id == row.job_id, jobs.c.state == "done").exists()
        wanted = _at(row.job_id, row.name, row.attempt).where(done).returning(*exports.c)
        with self._database.writing() as connection:
            begun = wanted.values(state="running", attempt=row.attempt + 1, deaths=deaths)
            return _row(connection.execute(begun).mappings().first())

    def finish(self, job_id: str, name: str, attempt: int, state: str, error: str | None = None) -> bool:
        """Ends an attempt, if it is the newest and has not ended."""
        ended_s = None if state in UNDER_WAY else time.time()
        with self._database.writing() as connection:
            ended = _at(job_id, name, attempt).values(state=state, error=error, ended_s=ended_s)
            return bool(connection.execute(ended).rowcount)


def _at(job_id: str, name: str, attempt: int) -> Update:
    """A change of a row that is under way at this attempt."""
    return update(exports).where(*_is(job_id, name), exports.c.attempt == attempt, exports.c.state.in_(UNDER_WAY))


def _is(job_id: str, name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return exports.c.job_id == job_id, exports.c.name == name


def _row(found: RowMapping | None) -> ExportRow | None:
    return None if found is None else ExportRow(**found)
