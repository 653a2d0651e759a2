"""An item from its picture to its publication: what lies in its folders already changes no byte and stops nothing."""

import errno
import json
from pathlib import Path

import pytest
from PIL import Image

import vistadream
from vistadream.batch.claim import run_folder
from vistadream.batch.digests import look_at
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item, id_of
from vistadream.batch.storage import LocalStorage
from vistadream.batch.work import work_on
from vistadream.formats.files import sha256_of

WORDS = (
    "stage=no-outpaint",
    "max_resolution=32",
    "recipe=quick",
    "stages.initialize.steps=1",
    "export=[gaussians,metrics]",
    "flight.frames=1",
)


@pytest.fixture(scope="module")
def item(tmp_path_factory) -> Item:
    picture = tmp_path_factory.mktemp("photos") / "a.png"
    with Image.open(Path(vistadream.__file__).parent / "assets" / "sample.png") as sample:
        sample.convert("RGB").resize((48, 32)).save(picture)
    return Item(id_of(look_at(picture).digest, "0123abcd"), (str(picture),), WORDS)


def carried_out(item: Item, root: Path, claim_holds: dict[str, str] | None = None) -> dict[str, str]:
    """The digests of what is published of an item, in whose run folder there are these files already."""
    folder = BatchFolder(root)
    folder.items.mkdir(exist_ok=True)
    for name, content in (claim_holds or {}).items():
        file = run_folder(folder.attempt(item.id, 1), item.id) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    folder.attempt(item.id, 1).mkdir(parents=True, exist_ok=True)
    outcome = work_on(item, 1, folder, LocalStorage(root))
    assert (outcome.state, outcome.error) == ("done", None)
    about = json.loads((folder.item(item.id) / "item.json").read_text())
    files = about["files"] | about["of_the_run"]
    assert {name: sha256_of(folder.item(item.id) / name) for name in files} == files
    return about["files"]


@pytest.fixture(scope="module")
def published(item, tmp_path_factory) -> dict[str, str]:
    return carried_out(item, tmp_path_factory.mktemp("clean"))


def test_the_scene_and_its_figures_are_published(published):
    assert {"gaussians.ply", "metrics.json"} <= published.keys()


def test_a_damaged_work_folder_is_worked_on_to_the_same_bytes(item, published, tmp_path):
    damage = {
        "run.json": "{",
        "results.json": "[]",
        "config.yaml": "}{",
        "events.jsonl": '{"seq": 1\n\n',
        "run.lock": "{",
        "01_load/done.json": '{"key":',
        "01_load/views/nothing": "",
        "03_initialize.checkpoint.safetensors": "garbage",
        "export/gaussians.ply": "ply",
    }
    assert carried_out(item, tmp_path, damage) == published


def test_an_item_whose_item_json_is_gone_is_published_again(item, published, tmp_path):
    left = BatchFolder(tmp_path).item(item.id)
    left.mkdir(parents=True)
    (left / "gaussians.ply").write_text("half")
    assert carried_out(item, tmp_path) == published
    assert sha256_of(left / "gaussians.ply") == published["gaussians.ply"]


def test_a_picture_that_was_changed_after_the_listing_is_refused(item, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(b"other bytes")
    outcome = work_on(Item(item.id, (str(other),), WORDS), 1, BatchFolder(tmp_path), LocalStorage(tmp_path))
    assert outcome.state == "failed"
    assert "was changed after it was listed; wanted" in outcome.error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENODEV])
def test_a_disk_or_a_store_that_fails_at_the_end_says_so_by_its_number(item, published, tmp_path, number):
    class Away(LocalStorage):
        def publish(self, id: str, ready: Path) -> bool:
            raise OSError(number, "away")

    folder = BatchFolder(tmp_path)
    folder.items.mkdir()
    folder.attempt(item.id, 1).mkdir(parents=True)
    outcome = work_on(item, 1, folder, Away(tmp_path))
    assert (outcome.state, outcome.errno) == ("broken", number)
    assert carried_out(item, tmp_path) == published, "what is finished is gone on with"
