"""A batch on the disk as one process sees it: what is settled, what is left, and who works on it."""

from __future__ import annotations

from collections.abc import Iterator

from vistadream.batch.claims import Claims
from vistadream.batch.folder import BatchFolder, marker_key
from vistadream.batch.items import Item
from vistadream.batch.marks import straggles
from vistadream.batch.plan import Counted, PlanReader
from vistadream.batch.quarantine import Quarantine
from vistadream.batch.storage import Storage
from vistadream.batch.window import Window


class BatchView:
    """What there is, without any change to it."""

    def __init__(self, folder: BatchFolder, storage: Storage, claims: Claims):
        self._folder, self._storage, self._claims = folder, storage, claims
        self._quarantine, self._plan = Quarantine(folder), PlanReader(folder.plan)
        self._window = Window(self._plan, self.is_settled)

    def is_settled(self, id: str) -> bool:
        """Whether an item is published or given up."""
        return self.is_published(id) or self._quarantine.holds(id)

    def is_published(self, id: str) -> bool:
        return self._storage.exists(marker_key(id))

    def has_work(self) -> bool:
        """Whether the plan, as far as it is written, holds an item that is not settled."""
        return next(self._window.open(), None) is not None

    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self._window.is_over()

    @property
    def counted(self) -> Counted | None:
        """What the listing found; None before its end was read."""
        return self._plan.counted

    def workers(self) -> set[str]:
        """The names of all workers that have items."""
        return self._claims.owners()

    def open_items(self) -> Iterator[Item]:
        """The first items that are not settled."""
        return self._window.open()

    def straggling(self) -> Iterator[Item]:
        """The items that another worker may begin too, as the driver found."""
        there = self._claims.there()
        for item in self._window.open():
            if (numbers := there.get(item.id)) and straggles(self._folder.attempt(item.id, numbers[-1])):
                yield item

    def is_all_taken(self) -> bool:
        """Whether every item of a plan that is at its end is taken or settled."""
        there = self._claims.there()
        return all(item.id in there for item in self._window.open()) and self.counted is not None
