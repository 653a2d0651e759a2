"""Names, tags, stars and deletions of runs, kept in the service's database: a run folder is never changed for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update

from vistadream.service.gallery.tables import Mark, mark_of, table
from vistadream.service.queue.database import Database


class Marks:
    """The marks of a service; each method is one transaction."""

    def __init__(self, database: Database):
        self._database = database

    def of(self, owner: str) -> dict[str, Mark]:
        """All marks of an owner, by the ids of runs."""
        with self._database.reading() as connection:
            rows = connection.execute(select(table).where(table.c.owner == owner)).mappings()
            return {row["id"]: mark_of(row) for row in rows}

    def change(self, owner: str, id: str, **values: Any) -> Mark:
        """Changes some fields of a mark; the mark as it is then."""
        mine = (table.c.id == id, table.c.owner == owner)
        with self._database.writing() as connection:
            if not connection.execute(select(table.c.id).where(*mine)).first():
                connection.execute(insert(table).values(id=id, owner=owner, tags=[], star=False))
            connection.execute(update(table).where(*mine).values(**values))
            return mark_of(connection.execute(select(table).where(*mine)).mappings().one())

    def deleted_before(self, since_s: float) -> list[tuple[str, str]]:
        """(owner, id) of what was deleted before a time, in seconds since 1970."""
        with self._database.reading() as connection:
            rows = connection.execute(select(table.c.owner, table.c.id).where(table.c.deleted_s <= since_s))
            return [(row[0], row[1]) for row in rows]

    def forget(self, owner: str, id: str) -> None:
        """Removes a mark, of a run that is no more."""
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.id == id, table.c.owner == owner))
