"""From `images=` and the knobs to the plan: every item once, and of these what is left to do."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from vistadream.batch.digests import DigestCache
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item, id_of
from vistadream.batch.listing import named_in
from vistadream.batch.pictures import looked_at, unpacked
from vistadream.batch.plan import Counted, PlanWriter
from vistadream.batch.recipes import Recipes
from vistadream.core import UserError

Heed = Callable[[Item], object]


class Settled(Protocol):
    """What is done."""

    def is_published(self, id: str) -> bool:
        """Whether an item is published."""

    def is_settled(self, id: str) -> bool:
        """Whether an item is published or given up."""


def check_names(images: str, recipes: Recipes) -> int:
    """The number of pictures, none of which is opened. UserError for none, or for a wrong line of a list."""
    count = 0
    for named in named_in(images):
        count += 1
        if named.knobs:
            recipes.of(named.knobs)
    if not count:
        raise UserError(
            f"images={images} holds no pictures; wanted at least one, such as a .jpg or .png: check its path"
        )
    return count


def listed(
    images: str, recipes: Recipes, folder: BatchFolder, digests: DigestCache, settled: Settled
) -> Iterator[Item]:
    """Every item, picture after picture; one that is named twice comes twice.

    Of an archive the pictures that are not settled are unpacked.
    """
    for named in named_in(images):
        looked = looked_at(named, digests, folder)
        ids = {id_of(looked.digest, recipe.key): recipe for recipe in recipes.of(named.knobs)}
        is_there = named.unpack is None or folder.unpacked(looked.digest, named.name).exists()
        if not is_there and not all(map(settled.is_settled, ids)):
            unpacked(named, folder)
        for id, recipe in ids.items():
            yield Item(id, (named.name,), recipe.words, looked.size_px, named.label)


@dataclass
class Order:
    """Which items, and in which order."""

    limit: int | None = None
    """The largest number of items, those that are done included."""
    shuffle: int | None = None
    """The seed of another order than that of the names."""

    def of(self, items: Iterator[Item], again: Heed | None = None) -> Iterator[Item]:
        """The items, each once; `again` gets those that come once more, under another name."""
        fresh = _once(items, again)
        if self.shuffle is not None:
            shuffled = list(fresh)
            random.Random(self.shuffle).shuffle(shuffled)
            fresh = iter(shuffled)
        return itertools.islice(fresh, self.limit)


def _once(items: Iterator[Item], again: Heed | None) -> Iterator[Item]:
    seen: set[str] = set()
    for item in items:
        if item.id not in seen:
            seen.add(item.id)
            yield item
        elif again:
            again(item)


@dataclass
class Lister:
    """Writes the plan in a thread, while workers already read it."""

    folder: BatchFolder
    items: Iterator[Item]
    settled: Settled
    done: Heed | None = None
    """Gets the items that are settled already."""
    counted: Counted | None = None
    error: Exception | None = None
    _thread: threading.Thread = field(init=False)

    def start(self) -> Lister:
        self._thread = threading.Thread(target=self._run, name="lister", daemon=True)
        self._thread.start()
        return self

    def _run(self) -> None:
        try:
            self.counted = write_plan(self.folder, self.items, self.settled, self.done)
        except Exception as error:  # the driver raises it
            self.error = error


def write_plan(folder: BatchFolder, items: Iterator[Item], settled: Settled, done: Heed | None = None) -> Counted:
    """Writes the items that are left to do, and counts; `done` gets the others."""
    plan, count, published, given_up = PlanWriter(folder.plan), 0, 0, 0
    for item in items:
        count += 1
        if settled.is_published(item.id):
            published += 1
        elif settled.is_settled(item.id):
            given_up += 1
        else:
            plan.add(item)
            continue
        if done:
            done(item)
    counted = Counted(count, published, given_up)
    plan.end(counted)
    return counted
