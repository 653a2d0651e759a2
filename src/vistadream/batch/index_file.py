"""The SQLite file of the index: its tables, how it is opened, written, and removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vistadream.batch.index_rows import FIGURES

_VERSION = 3
"""Of the tables; a file of another one is made anew."""
_TABLES = f"""
create table items (id text primary key, name text, names text, ended real, seconds real, node text, device text,
    bytes integer, stages text, unbroken_s real, {", ".join(f'"{name}" real' for name in FIGURES)}) without rowid;
create index ends on items (ended);
create index lengths on items (seconds);
create table damaged (id text primary key) without rowid;
create table given_up (id text primary key, name text, names text, reason text, sentence text, attempts integer)
    without rowid;
create table attempts (id text, number integer, worker text, node text, device text, began real, ended real,
    state text, signal integer, primary key (id, number, worker)) without rowid;
create table folders (name text primary key, changed_ns integer) without rowid;
create table logs (name text primary key, offset integer) without rowid;
"""


def opened_file(file: Path) -> sqlite3.Connection:
    """The database in a file, made anew where it is damaged; in memory where no file can be written."""
    try:
        return _database(file)
    except sqlite3.OperationalError:  # a disk that is read-only, or has no locks: once more for each asking
        return _database(":memory:")
    except sqlite3.DatabaseError:
        remove(file)
        return _database(file)


def _database(file: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        version = database.execute("pragma user_version").fetchone()[0]
        if version != _VERSION:
            if database.execute("select count(*) from sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError(f"tables of version {version}")
            database.executescript(f"begin immediate; {_TABLES} pragma user_version = {_VERSION}; commit;")
    except sqlite3.Error:
        database.close()
        raise
    return database


@contextmanager
def writing(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """What the block writes is written as a whole, or not at all."""
    database.execute("begin immediate")
    try:
        yield database
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("rollback")
        raise
    database.execute("commit")


def remove(file: Path) -> None:
    """Removes a database with the files that SQLite puts next to it."""
    for name in (file, *(file.with_name(file.name + end) for end in ("-journal", "-wal", "-shm"))):
        name.unlink(missing_ok=True)
