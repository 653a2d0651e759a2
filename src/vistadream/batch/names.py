"""All names of an item: a picture that is there twice, or was renamed, is one item, and its files say each name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

from vistadream.batch.folder import BatchFolder, marker_key
from vistadream.batch.index import Index
from vistadream.batch.items import Item
from vistadream.batch.storage import Storage
from vistadream.formats.files import new_file, write_json
from vistadream.formats.json_file import parse_json, read_json


class Names:
    """The names of one listing that are not written down yet. It needs memory for these alone."""

    def __init__(self, folder: BatchFolder, storage: Storage):
        self._folder, self._storage = folder, storage
        self._first: dict[str, str] = {}
        self._others: dict[str, list[str]] = defaultdict(list)

    def first(self, item: Item) -> None:
        """The listing has come to an item that is published or given up, perhaps under another name."""
        if item.names[0] not in self._known(item.id):
            self._first[item.id] = item.names[0]

    def again(self, item: Item) -> None:
        """The listing has come to an item once more."""
        if item.names[0] not in self._known(item.id):
            self._others[item.id].append(item.names[0])

    def write(self) -> None:
        """Adds the names to what says that the items are published or given up. Call it when the batch is over."""
        for id in {*self._first, *self._others}:
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # damaged: the status names it
                if names := self._written(id):
                    self._index.rename(id, names)

    def _written(self, id: str) -> list[str]:
        """Writes all names of an item down; empty where they are there."""
        published, file = self._storage.exists(marker_key(id)), self._folder.quarantined(id)
        about = parse_json(self._storage.get(marker_key(id)).decode(), finite=False) if published else read_json(file)
        names = _together(self._first.get(id), about["names"], self._others.get(id, ()))
        if names == about["names"]:
            return []
        if published:
            self._storage.rewrite(marker_key(id), json.dumps(about | {"names": names}).encode())
        else:
            with new_file(file) as draft:
                write_json(draft, about | {"names": names})
            self._storage.share(file)
        return names

    def _known(self, id: str) -> list[str]:
        for table in ("items", "given_up"):
            for names in self._index.column(f"select names from {table} where id = ?", id):
                return json.loads(names)
        return []

    @cached_property
    def _index(self) -> Index:
        index = Index(self._folder)
        index.refresh()
        return index


def _together(first: str | None, known: Sequence[str], others: Sequence[str]) -> list[str]:
    """Each name once: that of the listing, what was known, and what the listing has besides."""
    return list(dict.fromkeys([*([] if first is None else [first]), *known, *others]))
