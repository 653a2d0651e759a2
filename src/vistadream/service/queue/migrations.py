"""How the tables of the database came about, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from vistadream.service.outgoing.tables import deliveries, webhooks
from vistadream.service.queue.export_table import exports
from vistadream.service.queue.tables import jobs
from vistadream.service.watch.timings import timings

Migration = Callable[[Connection], None]


def _jobs(connection: Connection) -> None:
    jobs.create(connection)


def _timings(connection: Connection) -> None:
    timings.create(connection)


def _exports(connection: Connection) -> None:
    exports.create(connection)


def _webhooks(connection: Connection) -> None:
    webhooks.create(connection)
    deliveries.create(connection)


MIGRATIONS: Sequence[Migration] = (_jobs, _timings, _exports, _webhooks)
"""Step n leads from version n to version n + 1 of the tables; a step that has been released is never changed."""
