"""The log of all changes of jobs, which is written in the transaction that changes the job.

Its numbers grow in the order of the commits, so that whoever has read up to one of them never misses a lower one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
)

from vistadream.service.queue.tables import JobRow, metadata

KEEP_S = 7 * 86_400.0
"""How long changes are kept."""
_FORGET_EVERY = 1_000
"""Older ones are removed after this many changes."""
_LOCK = 1_930_518
"""PostgreSQL's lock for the numbers. SQLite has one writer at a time anyway."""
changes = Table(
    "changes",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_s", Float(53), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("job_id", String(26), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("cancel_asked", Boolean, nullable=False),
    Column("error", Text),
    sqlite_autoincrement=True,  # a number is never given again
)
Index("changes_at", changes.c.at_s)


@dataclass(frozen=True)
class Change:
    """What a job was after one of its changes."""

    number: int
    at_s: float
    owner: str
    job_id: str
    state: str
    """As of a job, or deleted."""
    attempt: int
    cancel_asked: bool
    error: str | None


def note(connection: Connection, job: JobRow, state: str | None = None) -> None:
    """Adds a change to the log; `state` in place of that of the job."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    values = {"owner": job.owner, "job_id": job.id, "state": state or job.state, "attempt": job.attempt}
    more = {"cancel_asked": job.cancel_asked, "error": job.error, "at_s": time.time()}
    (number,) = connection.execute(insert(changes).values(**values, **more)).inserted_primary_key
    if number % _FORGET_EVERY == 0:
        connection.execute(delete(changes).where(changes.c.at_s < time.time() - KEEP_S))


def changes_after(connection: Connection, number: int, limit: int, owner: str | None = None) -> list[Change]:
    """The next changes after a number, of all owners or of one."""
    wanted = select(changes).where(changes.c.number > number).order_by(changes.c.number).limit(limit)
    wanted = wanted if owner is None else wanted.where(changes.c.owner == owner)
    return [Change(**row) for row in connection.execute(wanted).mappings()]


def kept_numbers(connection: Connection) -> tuple[int, int]:
    """The lowest and the highest number in the log; (0, 0) when it is empty."""
    lowest, highest = connection.execute(select(func.min(changes.c.number), func.max(changes.c.number))).one()
    return lowest or 0, highest or 0
