"""How the tables of the database came about, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import DDL, Connection, Table, inspect
from sqlalchemy.schema import CreateColumn

from vistadream.service.access.key_table import table as api_keys
from vistadream.service.access.session_table import table as sessions
from vistadream.service.batches.tables import batch_jobs, batches
from vistadream.service.cache.tables import cache_entries
from vistadream.service.gallery.tables import table as marks
from vistadream.service.outgoing.tables import deliveries, webhooks
from vistadream.service.queue.changes import changes
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


def _changes(connection: Connection) -> None:
    changes.create(connection)


def _webhooks(connection: Connection) -> None:
    webhooks.create(connection)
    deliveries.create(connection)


def _cache(connection: Connection) -> None:
    """Keys of results, and the table of those that are kept."""
    add_columns(connection, jobs, "result_key", "scene_key", "cached_from")
    cache_entries.create(connection)


def _batches(connection: Connection) -> None:
    batches.create(connection)
    batch_jobs.create(connection)


def add_columns(connection: Connection, table: Table, *names: str) -> None:
    """Adds columns, and the indexes on them, to a table that was made before it had them."""
    there = inspect(connection)
    missing = {*names} - {column["name"] for column in there.get_columns(table.name)}
    for column in (table.c[name] for name in names if name in missing):
        definition = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(DDL(f"alter table {table.name} add column {definition}"))
    for index in table.indexes:
        if missing & {*index.columns.keys()}:
            index.create(connection)


def _keys(connection: Connection) -> None:
    """The table of API keys, and what jobs take on the disk."""
    api_keys.create(connection)
    add_columns(connection, jobs, "disk_bytes")


def _sessions(connection: Connection) -> None:
    sessions.create(connection)


def _marks(connection: Connection) -> None:
    marks.create(connection)


MIGRATIONS: Sequence[Migration] = (
    _jobs,
    _timings,
    _exports,
    _webhooks,
    _cache,
    _changes,
    _keys,
    _batches,
    _sessions,
    _marks,
)
"""Step n leads from version n to version n + 1 of the tables; a step that has been released is never changed."""
