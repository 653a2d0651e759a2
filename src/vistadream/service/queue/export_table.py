"""The table of results that are to be made of finished scenes, and a row of it as a value."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Float, ForeignKey, Integer, String, Table, Text

from vistadream.service.queue.tables import metadata

exports = Table(
    "exports",
    metadata,
    Column("job_id", String(26), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("state", String(10), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("job_attempt", Integer, nullable=False),
    Column("error", Text),
    Column("ended_s", Float(53)),
)
UNDER_WAY = ("queued", "running")


@dataclass(frozen=True)
class ExportRow:
    """A result of a finished job that somebody has asked for."""

    job_id: str
    name: str
    """One of MADE_LATER."""
    state: str
    """queued, running, done or failed."""
    attempt: int
    """How often a worker has begun it."""
    deaths: int
    """How often its worker died."""
    job_attempt: int
    """The attempt of the job whose scene it was asked of."""
    error: str | None
    ended_s: float | None
    """In seconds since 1970."""

    @property
    def ended(self) -> bool:
        return self.state not in UNDER_WAY
