"""Which item goes to which worker, where a driver hands them out. It knows no engine, and nothing is lost with it."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from vistadream.batch.items import Item

AHEAD = 2
"""A worker has one item under way and one that it begins without asking."""
_TOGETHER = 2
"""The most workers on one item."""
_AGAIN_S = 2.0
"""An item that somebody else works on, or that failed, is not handed out again before."""


class Handing:
    """The items that workers have, by the workers' names."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic):
        self._now_s = now_s
        self._of: dict[str, dict[str, Item]] = {}
        self._not_before_s: dict[str, float] = {}

    def join(self, worker: str) -> None:
        """A worker is ready for items."""
        self._of.setdefault(worker, {})

    def next(self, open_items: Iterable[Item], straggling: Iterable[Item] = ()) -> Iterator[tuple[str, Item]]:
        """Who gets which item now. Towards the end nobody gets a second one, which would wait while others are idle.

        Where nothing is left, an idle worker helps: with an item that waits behind another one, or one of `straggling`.
        """
        free = deque(islice(self._free(open_items), AHEAD * len(self._of)))
        for level in range(AHEAD):
            if level and len(free) < len(self._of):
                break
            for worker, items in self._of.items():
                if len(items) == level and free:
                    yield worker, self._give(worker, free.popleft())
        idle = [worker for worker, items in self._of.items() if not items]
        for worker, item in zip(idle, self._to_help_with(straggling) if idle else (), strict=False):
            yield worker, self._give(worker, item)

    def ended(self, worker: str, id: str, again: bool) -> None:
        """A worker is done with an item; `again`: it is to be handed out again, after a while."""
        del self._of[worker][id]
        self._not_before_s.pop(id, None)
        if again:
            self._not_before_s[id] = self._now_s() + _AGAIN_S

    def lost(self, worker: str) -> Sequence[str]:
        """The worker is gone; the items that it had may go to others."""
        return tuple(self._of.pop(worker, ()))

    def is_idle(self) -> bool:
        return not any(self._of.values())

    def _give(self, worker: str, item: Item) -> Item:
        self._of[worker][item.id] = item
        return item

    def _free(self, open_items: Iterable[Item]) -> Iterator[Item]:
        had = {id for items in self._of.values() for id in items}
        return (item for item in open_items if item.id not in had and self._is_due(item))

    def _to_help_with(self, straggling: Iterable[Item]) -> Iterator[Item]:
        """What one worker has not begun, or does not end; whoever is second finds it done, or begins it too."""
        had = Counter(id for items in self._of.values() for id in items)
        waiting = [item for items in self._of.values() for item in list(items.values())[1:]]
        return (item for item in chain(waiting, straggling) if had[item.id] < _TOGETHER and self._is_due(item))

    def _is_due(self, item: Item) -> bool:
        now_s = self._now_s()
        return self._not_before_s.get(item.id, now_s) <= now_s
