"""Batches in the database. What its jobs do is in the table of jobs alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from vistadream.service.batches.tables import BatchRow, batch_jobs, batches
from vistadream.service.queue.changes import note
from vistadream.service.queue.database import Database
from vistadream.service.queue.tables import JobRow, job_of, jobs, values_of


class Member(NamedTuple):
    """A picture of a batch: its folder in the archive, and its job, or None where that was deleted."""

    job_id: str
    folder: str
    job: JobRow | None


class Batches:
    """Each method is one transaction. Safe in threads and in processes."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, row: BatchRow, rows: Sequence[JobRow], folders: Sequence[str]) -> bool:
        """Puts all jobs into the queue, or none: False where the owner has a batch of that idempotency key."""
        dialect = postgresql if self._database.engine.dialect.name == "postgresql" else sqlite
        members = [
            {"batch_id": row.id, "place": place, "job_id": job.id, "folder": folder}
            for place, (job, folder) in enumerate(zip(rows, folders, strict=True))
        ]
        with self._database.writing() as connection:
            added = dialect.insert(batches).values(asdict(row)).on_conflict_do_nothing().returning(batches.c.id)
            if connection.execute(added).first() is None:
                return False
            connection.execute(insert(jobs), [values_of(job) for job in rows])
            connection.execute(insert(batch_jobs), members)
            for job in rows:
                note(connection, job)
        return True

    def get(self, id: str, owner: str) -> BatchRow | None:
        return self._first(batches.c.id == id, batches.c.owner == owner)

    def by_idempotency_key(self, owner: str, key: str | None) -> BatchRow | None:
        """None for no key."""
        return None if key is None else self._first(batches.c.owner == owner, batches.c.idempotency_key == key)

    def page(self, owner: str, before: str | None, limit: int) -> list[BatchRow]:
        """Batches, the newest first. `before`: the last id of the last page."""
        wanted = select(batches).where(batches.c.owner == owner).order_by(batches.c.id.desc()).limit(limit)
        wanted = wanted if before is None else wanted.where(batches.c.id < before)
        with self._database.reading() as connection:
            return [BatchRow(**row) for row in connection.execute(wanted).mappings()]

    def counts(self, ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each batch, how many of its jobs are in each state; deleted is one of them."""
        state = func.coalesce(jobs.c.state, "deleted")
        joined = batch_jobs.outerjoin(jobs, jobs.c.id == batch_jobs.c.job_id)
        wanted = select(batch_jobs.c.batch_id, state, func.count()).select_from(joined)
        wanted = wanted.where(batch_jobs.c.batch_id.in_(ids)).group_by(batch_jobs.c.batch_id, state)
        found: dict[str, dict[str, int]] = {id: {} for id in ids}
        with self._database.reading() as connection:
            for id, name, count in connection.execute(wanted):
                found[id][name] = count
        return found

    def members(self, id: str) -> list[Member]:
        """The pictures of a batch in their order."""
        joined = batch_jobs.outerjoin(jobs, jobs.c.id == batch_jobs.c.job_id)
        own = (batch_jobs.c.job_id.label("of_batch"), batch_jobs.c.folder)
        wanted = select(*own, *jobs.c).select_from(joined).where(batch_jobs.c.batch_id == id)
        with self._database.reading() as connection:
            rows = connection.execute(wanted.order_by(batch_jobs.c.place)).mappings().all()
        return [Member(row["of_batch"], row["folder"], job_of(_only_job(row)) if row["id"] else None) for row in rows]

    def remove(self, id: str) -> bool:
        """Removes a batch with its jobs; False, and nothing is removed, while one of them runs."""
        own = select(batch_jobs.c.job_id).where(batch_jobs.c.batch_id == id).scalar_subquery()
        with self._database.writing() as connection:
            running = select(func.count()).where(jobs.c.id.in_(own), jobs.c.state == "running")
            if connection.scalar(running):
                return False
            for gone in connection.execute(delete(jobs).where(jobs.c.id.in_(own)).returning(*jobs.c)).mappings().all():
                note(connection, job_of(gone), "deleted")
            connection.execute(delete(batch_jobs).where(batch_jobs.c.batch_id == id))
            connection.execute(delete(batches).where(batches.c.id == id))
        return True

    def _first(self, *about: ColumnElement[bool]) -> BatchRow | None:
        with self._database.reading() as connection:
            row = connection.execute(select(batches).where(*about)).mappings().first()
        return None if row is None else BatchRow(**row)


def _only_job(row: RowMapping) -> dict[str, Any]:
    return {column.name: row[column.name] for column in jobs.c}
