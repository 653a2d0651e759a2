"""From names to the plan: every item once, nothing that is done, and no picture read twice."""

import shutil
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from vistadream.assets import sample_image
from vistadream.batch import pictures as module
from vistadream.batch.digests import DigestCache
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item
from vistadream.batch.pictures import picture_at
from vistadream.batch.plan import Counted, PlanReader
from vistadream.batch.recipes import Recipes
from vistadream.batch.todo import Lister, Order, check_names, listed, write_plan
from vistadream.core import UserError


class Known:
    """Items that are done, and given up."""

    def __init__(self, done: set[str] = frozenset(), bad: set[str] = frozenset()):  # type: ignore[assignment]
        self.done, self.bad = done, bad

    def is_published(self, id: str) -> bool:
        return id in self.done

    def is_settled(self, id: str) -> bool:
        return id in self.done | self.bad


@pytest.fixture(scope="module")
def recipes() -> Recipes:
    return Recipes(["seed=0,1"])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png", "copy_of_a.png"):
        (folder / name).write_bytes(sample_image().read_bytes() + name[-5:].encode())
    return folder


def plan_of(folder: BatchFolder) -> tuple[list[Item], Counted | None]:
    reader = PlanReader(folder.plan)
    return list(iter(reader.next, None)), reader.counted


def items_of(photos: Path, recipes: Recipes, folder: BatchFolder, known: Known | None = None) -> list[Item]:
    return list(listed(str(photos), recipes, folder, DigestCache(folder.digests), known or Known()))


def test_the_same_picture_twice_is_one_item(photos: Path, recipes: Recipes, tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path / "out")
    items = items_of(photos, recipes, folder)
    assert len(items) == 6
    once = list(Order().of(iter(items)))
    assert len(once) == 4
    assert once[0].size_px == 768 * 576
    counted = write_plan(folder, iter(once), Known({once[0].id}, {once[1].id}))
    assert counted == Counted(items=4, done=1, given_up=1)
    assert plan_of(folder) == (once[2:], counted)


def test_no_picture_is_read_twice(photos: Path, recipes: Recipes, tmp_path: Path, monkeypatch) -> None:
    folder = BatchFolder(tmp_path / "out")
    cache = DigestCache(folder.digests)
    first = list(listed(str(photos), recipes, folder, cache, Known()))
    cache.close()
    monkeypatch.setattr(module, "look_at", None)
    assert items_of(photos, recipes, folder) == first
    with folder.digests.open("ab") as stream:
        stream.write(b"half a record")
    assert items_of(photos, recipes, folder) == first


def test_a_changed_picture_is_another_item(photos: Path, recipes: Recipes, tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path / "out")
    before = items_of(photos, recipes, folder)
    (photos / "b.png").write_bytes(sample_image().read_bytes())
    after = items_of(photos, recipes, folder)
    assert [one.id == other.id for one, other in zip(before, after, strict=True)] == [True] * 2 + [False] * 2 + [
        True
    ] * 2
    with pytest.raises(UserError, match="was changed after it was listed"):
        picture_at(before[2], folder)
    assert picture_at(after[2], folder) == photos / "b.png"


def test_a_picture_that_is_gone_has_a_sentence(photos: Path, recipes: Recipes, tmp_path: Path, monkeypatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    folder = BatchFolder(tmp_path / "out")
    monkeypatch.setattr(module, "look_at", refused)
    items = items_of(photos, recipes, folder)
    assert len({item.id for item in items}) == 6
    (photos / "a.png").unlink()
    with pytest.raises(UserError, match="is not there any more"):
        picture_at(items[0], folder)


def test_a_disk_that_is_gone_makes_no_items(photos: Path, recipes: Recipes, tmp_path: Path) -> None:
    items = listed(str(photos), recipes, BatchFolder(tmp_path), DigestCache(tmp_path / "d"), Known())
    next(items)
    next(items)
    shutil.rmtree(photos)
    with pytest.raises(FileNotFoundError):
        next(items)


def test_limit_and_order(photos: Path, recipes: Recipes, tmp_path: Path) -> None:
    items = items_of(photos, recipes, BatchFolder(tmp_path / "out"))
    once = list(Order().of(iter(items)))
    assert list(Order(limit=2).of(iter(items))) == once[:2]
    orders = [list(Order(shuffle=seed).of(iter(items))) for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) > 1
    assert all(set(order) == set(once) for order in orders)


def test_members_of_an_archive_wait_for_their_workers(tmp_path: Path, recipes: Recipes) -> None:
    folder = BatchFolder(tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(sample_image(), "deep/a.png")
    images = str(tmp_path / "x.zip")
    assert check_names(images, recipes) == 1
    items = list(listed(images, recipes, folder, DigestCache(folder.digests), Known()))
    assert picture_at(items[0], folder).read_bytes() == sample_image().read_bytes()
    shutil.rmtree(tmp_path / "out" / "inputs")
    done = Known({item.id for item in items})
    assert list(listed(images, recipes, folder, DigestCache(folder.digests), done)) == items
    assert not (tmp_path / "out" / "inputs").exists(), "nothing is left to do"


def test_a_folder_without_pictures(tmp_path: Path, recipes: Recipes) -> None:
    with pytest.raises(UserError, match="holds no pictures"):
        check_names(str(tmp_path), recipes)


def test_what_ends_the_listing_is_kept_for_the_driver(tmp_path: Path) -> None:
    items = map(lambda n: 1 // n, [0])  # noqa: C417
    lister = Lister(BatchFolder(tmp_path), items, Known()).start()  # type: ignore[arg-type]
    lister._thread.join()
    assert isinstance(lister.error, ZeroDivisionError)


def test_many_items_need_little_memory(tmp_path: Path) -> None:
    """A plan of 20,000 items is written and read in a few MB."""
    folder = BatchFolder(tmp_path)
    items = (Item(f"{n:016x}-00000000", (f"/photos/{n}.jpg",), ("seed=1",), 100) for n in range(20_000))
    tracemalloc.start()
    write_plan(folder, items, Known())
    reader = PlanReader(folder.plan)
    assert sum(1 for _ in iter(reader.next, None)) == 20_000
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
