"""How the tables of the database came about, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from vistadream.service.queue.tables import jobs

Migration = Callable[[Connection], None]


def _jobs(connection: Connection) -> None:
    jobs.create(connection)


MIGRATIONS: Sequence[Migration] = (_jobs,)
"""Step n leads from version n to version n + 1 of the tables; a step that has been released is never changed."""
