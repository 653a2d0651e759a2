"""Which item a worker takes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vistadream.batch.claim import Claim, Worker, is_free
from vistadream.batch.claims import Claims
from vistadream.batch.folder import BatchFolder
from vistadream.batch.history import history_of
from vistadream.batch.items import Item
from vistadream.batch.marks import Places, straggles
from vistadream.batch.window import Window

_LOOKS = 20
"""A worker leaves an item that failed on its node to others for this many looks."""
_FAILED = ("broken", "full", "slow")


class Taking:
    """The choices of one worker."""

    def __init__(self, folder: BatchFolder, claims: Claims, window: Window, me: Worker):
        self._folder, self._claims, self._window, self._me = folder, claims, window, me
        self._places = Places(folder)
        self._left: dict[str, int] = {}

    def offers(self, items: Iterable[Item] | None = None) -> Iterator[tuple[Item, Claim]]:
        """Items with the claims that this worker has got, until one of them is worked on.

        First what is new or was let go, then what dead workers had, and in the end what straggles elsewhere.
        `items`: None for those of the plan.
        """
        if self._places.is_drained(self._me):
            return
        there, taken = self._claims.there(), []
        for item in self._window.open() if items is None else items:
            if numbers := there.get(item.id):
                taken.append((item, numbers[-1]))
                claim = self._let_go(item.id, numbers[-1])
            else:
                claim = self._claims.begin(item.id, 1)
            if claim:
                yield item, claim
        for item, number in taken:
            if claim := self._claims.take_over(item.id, number):
                yield item, claim
        for item, number in taken:
            if straggles(self._folder.attempt(item.id, number)) and (claim := self._claims.begin(item.id, number + 1)):
                yield item, claim

    def _let_go(self, id: str, number: int) -> Claim | None:
        """An item that was let go, unless it failed here and another node may want it."""
        folder = self._folder.attempt(id, number)
        if not is_free(folder) or self._leaves_to_others(folder.name, history_of(folder)):
            return None
        return self._claims.take_free(id, number)

    def _leaves_to_others(self, name: str, history: list) -> bool:
        failed_here = any(each.state in _FAILED and each.node == self._me.node for each in history)
        if not failed_here or not self._places.has_others(self._me.node):
            return False
        self._left = {name: self._left.get(name, 0) + 1} | {k: n for k, n in self._left.items() if k != name}
        return self._left[name] <= _LOOKS
