"""An estimate multiplies what a sample took, leaves the folder of the batch alone, and knows what is done already."""

import json
from pathlib import Path

import pytest

from vistadream.batch.estimate import SAMPLE, Estimate, Measured, estimate, lines
from vistadream.batch.folder import BatchFolder, marker_key
from vistadream.batch.items import Item
from vistadream.batch.recipes import Recipes
from vistadream.core import UserError
from vistadream.workers.queue import Outcome


@pytest.fixture(scope="module")
def recipes() -> Recipes:
    return Recipes(["stage=no-outpaint", "seed=0,1"])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for n in range(9):
        (tmp_path / "photos" / f"{n}.png").write_bytes(b"picture %d" % n)
    return tmp_path / "photos"


class Worker:
    """Publishes an item that took as many seconds as its turn."""

    def __init__(self, bad: int = 0):
        self.items: list[Item] = []
        self._bad = bad

    def __call__(self, item: Item, attempt: int, folder: BatchFolder, storage, keep) -> Outcome:
        self.items.append(item)
        if len(self.items) <= self._bad:
            return Outcome("failed", "it is no picture; wanted one")
        file = folder.root / marker_key(item.id)
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"seconds": 10.0 * len(self.items), "bytes": 1000}))
        return Outcome("done")


def asked(photos: Path, recipes: Recipes, folder: BatchFolder, worker: Worker, limit: int | None = None) -> Estimate:
    return estimate(str(photos), 9, recipes, folder, limit, "results", worker)


def test_the_sample_is_spread_over_pictures_and_knobs(photos, recipes, tmp_path):
    worker = Worker()
    found = asked(photos, recipes, BatchFolder(tmp_path / "scenes"), worker)
    assert [Path(item.names[0]).name for item in worker.items] == ["1.png", "4.png", "7.png"]
    assert len({item.id.partition("-")[2] for item in worker.items}) == 2
    assert (found.items, found.left, len(found.sample)) == (18, 18, SAMPLE)


def test_nothing_is_written_and_the_first_item_of_the_process_does_not_count(photos, recipes, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    folder = BatchFolder(tmp_path / "scenes")
    found = asked(photos, recipes, folder, Worker())
    assert found.seconds == pytest.approx(18 * 25)
    assert found.bytes == pytest.approx(18 * 1000)
    assert not folder.root.exists()
    assert "nothing was begun" in "\n".join(lines(found, folder))


def test_gpus_share_the_time(photos, recipes, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    found = asked(photos, recipes, BatchFolder(tmp_path / "scenes"), Worker())
    assert found.seconds == pytest.approx(18 * 25 / 3)


def test_what_is_done_and_the_limit_are_left_out(photos, recipes, made_batch):
    made_batch.publish(1)
    made_batch.give_up(2, "no; wanted another")
    assert asked(photos, recipes, made_batch.folder, Worker(), limit=5).left == 3
    assert asked(photos, recipes, made_batch.folder, Worker(), limit=1).left == 0


def test_a_bad_picture_is_named_and_the_others_count(photos, recipes, tmp_path):
    found = asked(photos, recipes, BatchFolder(tmp_path / "scenes"), Worker(bad=1))
    assert found.sample[0] == Measured(str(photos / "1.png"), error="it is no picture; wanted one")
    assert found.bytes == pytest.approx(18 * 1000)


def test_a_sample_without_any_good_picture_gives_no_figure(photos, recipes, tmp_path):
    with pytest.raises(UserError, match=r"none of the 3 pictures that were tried can be used.*it is no picture"):
        asked(photos, recipes, BatchFolder(tmp_path / "scenes"), Worker(bad=3))
