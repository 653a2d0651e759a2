"""`dry=true`: what a batch would take, from a measured sample of its pictures. Its folder is left as it is."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vistadream.batch.digests import DigestCache
from vistadream.batch.folder import BatchFolder, marker_key
from vistadream.batch.index import opened
from vistadream.batch.items import Item, id_of
from vistadream.batch.listing import named_in
from vistadream.batch.pictures import looked_at
from vistadream.batch.recipes import Recipes
from vistadream.batch.storage import LocalStorage
from vistadream.batch.work import Keep, work_on
from vistadream.core import UserError
from vistadream.workers.queue import Outcome
from vistadream.workers.slots import visible_gpus

SAMPLE = 3
"""Items that are measured."""
Work = Callable[[Item, int, BatchFolder, LocalStorage, Keep], Outcome]


@dataclass(frozen=True)
class Measured:
    """One item of the sample."""

    name: str
    seconds: float = 0.0
    bytes: int = 0
    """Of what is published of it."""
    error: str | None = None
    """Why it has no scene."""


@dataclass(frozen=True)
class Estimate:
    """What a batch would take."""

    items: int
    """Those that are done included."""
    done: int
    """Published or given up."""
    sample: list[Measured]
    places: int
    """GPUs that work at the same time; 1 where there are none."""

    @property
    def left(self) -> int:
        return max(0, self.items - self.done)

    @property
    def seconds(self) -> float:
        """Of all that is left. The first item of a process, which imports and compiles, counts where it is alone."""
        good = [each.seconds for each in self.sample if not each.error]
        usual = good[1:] or good
        return self.left * sum(usual) / len(usual) / self.places

    @property
    def bytes(self) -> float:
        good = [each.bytes for each in self.sample if not each.error]
        return self.left * sum(good) / len(good)


def estimate(
    images: str,
    pictures: int,
    recipes: Recipes,
    folder: BatchFolder,
    limit: int | None,
    keep: Keep,
    work: Work = work_on,
) -> Estimate:
    """Carries out some of the pictures of `images` elsewhere. UserError where none of these can be used."""
    items = min(pictures * len(recipes.common), limit or pictures * len(recipes.common))
    with tempfile.TemporaryDirectory(prefix="vistadream-dry-") as place:
        elsewhere = BatchFolder(Path(place))
        elsewhere.items.mkdir()
        sample = [_measured(item, elsewhere, keep, work) for item in _sample(images, pictures, recipes, elsewhere)]
    if all(each.error for each in sample):
        raise UserError(f"none of the {len(sample)} pictures that were tried can be used; the first: {sample[0].error}")
    return Estimate(items, _done(folder), sample, len(visible_gpus()) or 1)


def _sample(images: str, pictures: int, recipes: Recipes, folder: BatchFolder) -> Iterator[Item]:
    """Pictures from the beginning, the middle and the end, with one combination of the knobs after the other."""
    places = sorted({pictures * (2 * n + 1) // (2 * SAMPLE) for n in range(SAMPLE)})
    digests, turn = DigestCache(folder.digests), itertools.count()
    for place, named in enumerate(named_in(images)):
        if place in places:
            looked, all_of_it = looked_at(named, digests, folder), recipes.of(named.knobs)
            recipe = all_of_it[next(turn) % len(all_of_it)]
            yield Item(id_of(looked.digest, recipe.key), (named.name,), recipe.words, looked.size_px, named.label)


def _measured(item: Item, folder: BatchFolder, keep: Keep, work: Work) -> Measured:
    storage = LocalStorage(folder.root)
    outcome = work(item, 1, folder, storage, keep)
    shutil.rmtree(folder.work, ignore_errors=True)
    if outcome.state != "done":
        return Measured(item.names[0], error=outcome.error or outcome.state)
    about = json.loads(storage.get(marker_key(item.id)))
    return Measured(item.names[0], about["seconds"], about["bytes"])


def _done(folder: BatchFolder) -> int:
    if not folder.batch_json.exists():
        return 0
    with opened(folder) as index:
        return index.value("select (select count(*) from items) + (select count(*) from given_up)")


def lines(found: Estimate, folder: BatchFolder) -> Iterator[str]:
    """The estimate for people."""
    yield f"{found.items:,} items: {found.done:,} published or given up, {found.left:,} to do"
    for each in found.sample:
        words = each.error or f"{each.seconds:.1f} s, {each.bytes / 1e6:.3g} MB"
        yield f"  measured: {each.name}: {words}"
    place = next(path for path in (folder.root, *folder.root.parents) if path.exists())
    free_gb = shutil.disk_usage(place).free / 1e9
    who = f"{found.places} GPUs" if found.places > 1 else "one worker"
    yield f"about {found.seconds / 3600:.1f} h with {who}, and {found.bytes / 1e9:.3g} GB; {free_gb:.0f} GB are free"
    yield "nothing was begun; without dry=true the same command begins"
