"""The items of a plan that are not settled yet, as far as the plan was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vistadream.batch.items import Item
from vistadream.batch.plan import PlanReader

WINDOW = 10_000
"""Items that are looked at before more of the plan is read."""


class Window:
    """The first items of a plan that are not settled. It needs memory for these alone, however long the plan is."""

    def __init__(self, plan: PlanReader, is_settled: Callable[[str], bool], most: int = WINDOW):
        self._plan, self._is_settled, self._most = plan, is_settled, most
        self._items: dict[str, Item] = {}

    def open(self) -> Iterator[Item]:
        """Items that are not settled, the oldest first; no more of the plan is read than is asked for."""
        for id, item in list(self._items.items()):
            if self._is_settled(id):
                del self._items[id]
            else:
                yield item
        while len(self._items) < self._most and (item := self._plan.next()):
            if not self._is_settled(item.id):
                self._items[item.id] = item
                yield item

    def is_over(self) -> bool:
        """Whether the plan is at its end and all of it settled."""
        return next(self.open(), None) is None and self._plan.counted is not None
