"""Which results the cache has: in the database of the queue."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Protocol

from sqlalchemy import delete, insert, select, update

from vistadream.service.cache.entry import Entry
from vistadream.service.cache.tables import cache_entries
from vistadream.service.queue.database import Database


class IndexAwayError(Exception):
    """The index does not answer."""


class Index(Protocol):
    """The entries of a cache. Every method can raise IndexAwayError."""

    def get(self, key: str) -> Entry | None: ...

    def put(self, entry: Entry) -> None:
        """Adds an entry, or replaces the one of its key."""

    def touch(self, key: str) -> None:
        """Notes that an entry was used now."""

    def remove(self, key: str) -> None: ...

    def entries(self) -> list[Entry]:
        """All of them, those first that were not used for the longest time."""


class TableIndex:
    """An index in a table."""

    def __init__(self, database: Database):
        self._database = database

    def get(self, key: str) -> Entry | None:
        with self._database.reading() as connection:
            row = connection.execute(select(cache_entries).where(cache_entries.c.key == key)).mappings().first()
        return None if row is None else Entry(**row)

    def put(self, entry: Entry) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(cache_entries).where(cache_entries.c.key == entry.key))
            connection.execute(insert(cache_entries).values(asdict(entry)))

    def touch(self, key: str) -> None:
        used = update(cache_entries).where(cache_entries.c.key == key).values(used_s=time.time())
        with self._database.writing() as connection:
            connection.execute(used)

    def remove(self, key: str) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(cache_entries).where(cache_entries.c.key == key))

    def entries(self) -> list[Entry]:
        with self._database.reading() as connection:
            rows = connection.execute(select(cache_entries).order_by(cache_entries.c.used_s)).mappings()
            return [Entry(**row) for row in rows]
