"""The database, SQLite in a file or PostgreSQL by the same statements, and the version of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from vistadream.core import UserError
from vistadream.service.queue.migrations import MIGRATIONS, Migration

_WAIT_S = 30
"""How long a statement waits for the writing of another process to end."""
_LOCK = 1_930_517
"""PostgreSQL's lock for migrations: any number that other programs in the same database do not use."""
_version = Table("schema_version", MetaData(), Column("version", Integer, nullable=False))


class Database:
    """Transactions on a database whose tables have the version that this program knows."""

    def __init__(self, url: str, migrations: Sequence[Migration] = MIGRATIONS):
        """UserError where the database cannot be opened, or is of a newer version of this program."""
        self._shown = url.rpartition("@")[2]  # without a password
        with self._errors():
            self.engine = _engine(url)
            self._migrate(migrations)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the tables."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, which is on disk when the block ends. With SQLite one goes on at a time."""
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, ImportError) as error:
            why = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
            raise UserError(
                f"database {self._shown}: {why}; wanted sqlite:///FILE, or postgresql+psycopg://USER@HOST/NAME with "
                "the package psycopg"
            ) from error

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _version.create(connection, checkfirst=True)
            found = connection.scalar(select(_version.c.version))
            if found is None:
                connection.execute(insert(_version).values(version=0))
            if (found or 0) > len(migrations):
                raise UserError(
                    f"database {self._shown} has version {found} of the tables, and this program knows "
                    f"{len(migrations)}; wanted a program as new as that: update it, or name another data folder"
                )
            for migration in migrations[found or 0 :]:
                migration(connection)
            connection.execute(update(_version).values(version=len(migrations)))


def _engine(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"), hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    """A write-ahead log, and every commit on the disk before it returns."""
    connection.isolation_level = None  # Python's sqlite3 begins no transaction of its own
    connection.execute(f"pragma busy_timeout = {_WAIT_S * 1000}")
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")


def _begin(connection: Connection) -> None:
    """A transaction that will write takes the lock at once, as one that reads first could not get it later."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("begin immediate" if writes else "begin")
