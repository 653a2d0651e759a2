"""A cache of what a batch has done, in one SQLite file: status and report ask it instead of reading every item.

It holds nothing of its own. Without it, or when it is damaged, it is made again from the items, the quarantine and the
events. A folder whose time of change is as it was is not looked into again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from vistadream.batch.events import events_from
from vistadream.batch.folder import BatchFolder
from vistadream.batch.index_file import opened_file, remove, writing
from vistadream.batch.index_rows import Row, given_up_row, insert, item_row, names_row, take_in_event

_RACY_NS = 2 * 10**9
"""A folder that was changed this shortly before it was read may be changed once more without a new time."""
_GONE = -1


class Index:
    """The cache of one batch. Use it in `with`, or `close` it."""

    def __init__(self, folder: BatchFolder):
        self._folder, self._file = folder, folder.index
        self._database = opened_file(self._file)

    def refresh(self) -> None:
        """Takes in what has changed on the disk since the last time."""
        try:
            self._take_in()
        except sqlite3.DatabaseError:  # damaged, or written by something else
            self.close()
            remove(self._file)
            self._database = opened_file(self._file)
            self._take_in()

    def rename(self, id: str, names: Sequence[str]) -> None:
        """The names of an item have changed, in files that `refresh` does not read again."""
        row = names_row(names)
        for table in ("items", "given_up"):
            query = f"update {table} set name = ?, names = ? where id = ?"
            self._database.execute(query, (row["name"], row["names"], id))

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The rows that a query of the tables finds, by the names of their columns."""
        return list(self.each(query, *values))

    def each(self, query: str, *values: Any) -> Iterator[Row]:
        """The same, one by one."""
        found = self._database.execute(query, values)
        names = [column[0] for column in found.description]
        return (dict(zip(names, row, strict=True)) for row in found)

    def column(self, query: str, *values: Any) -> Iterator[Any]:
        """The first column of each row."""
        return (row[0] for row in self._database.execute(query, values))

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the only row."""
        return self._database.execute(query, values).fetchone()[0]

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_in(self) -> None:
        with writing(self._database):
            for shard in self._shards():
                self._folder_of(shard, "items", item_row)
            self._folder_of(self._folder.quarantine, "given_up", given_up_row)
            for log in sorted(self._folder.events.glob("*.jsonl")):
                self._log(log)

    def _shards(self) -> list[Path]:
        """The folders of items that are there, or were."""
        names = set(self.column("select name from folders where name like 'items/%'"))
        with suppress(FileNotFoundError), os.scandir(self._folder.items) as entries:
            names |= {f"items/{entry.name}" for entry in entries if entry.is_dir() and entry.name[0] != "."}
        return [self._folder.root / name for name in sorted(names)]

    def _folder_of(self, folder: Path, table: str, read: Callable[[Path], Row | None]) -> None:
        """Brings the rows of one folder up to date."""
        name, changed_ns = folder.relative_to(self._folder.root).as_posix(), _changed_ns(folder)
        known = self._database.execute("select changed_ns from folders where name = ?", (name,)).fetchone()
        if known and known[0] == changed_ns:
            return
        low = folder.name if table == "items" else ""
        before = set(self.column(f"select id from {table} where id >= ? and id < ?", low, low + "g"))
        listed = () if changed_ns == _GONE else os.listdir(folder)
        now = {entry.split(".")[0] for entry in listed if entry[0] != "."}
        self._database.executemany(f"delete from {table} where id = ?", [(gone,) for gone in before - now])
        if table == "items":
            self._database.execute("delete from damaged where id >= ? and id < ?", (low, low + "g"))
        for new in sorted(now - before):
            row = read(folder / new)
            insert(self._database, table if row else "damaged", row or {"id": new})
        settled = changed_ns if time.time_ns() - changed_ns > _RACY_NS else 0
        insert(self._database, "folders", {"name": name, "changed_ns": settled})

    def _log(self, log: Path) -> None:
        """Takes in the lines of a worker that are new."""
        known = self._database.execute("select offset from logs where name = ?", (log.name,)).fetchone()
        offset = known[0] if known else 0
        if log.stat().st_size == offset:
            return
        events, end = events_from(log, offset)
        for event in events:
            take_in_event(self._database, event)
        insert(self._database, "logs", {"name": log.name, "offset": end})


def _changed_ns(folder: Path) -> int:
    """When a folder was changed, or that it is gone."""
    with suppress(FileNotFoundError):
        return folder.stat().st_mtime_ns
    return _GONE


def opened(folder: BatchFolder) -> Any:
    """The index of a batch, up to date, for a `with` block."""
    index = Index(folder)
    index.refresh()
    return closing(index)
