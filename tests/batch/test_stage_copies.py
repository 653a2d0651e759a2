"""Finished stages go to the store while an item is worked on, and from there to the machine that goes on with it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vistadream.batch import stage_copies
from vistadream.batch.stage_copies import copied_stages, copies_key

ID = "ab12ab12ab12ab12-00000000"


class Memory:
    """A store in memory, which says when something was stored."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.stored = threading.Event()
        self.refuses = 0

    def put_file(self, key: str, file: Path) -> None:
        if self.refuses:
            self.refuses -= 1
            raise OSError("the store is away")
        self.files[key] = file.read_bytes()
        self.stored.set()

    def get(self, key: str) -> bytes:
        return self.files[key]

    def list(self, prefix: str) -> Iterator[str]:
        return (key for key in sorted(self.files) if key.startswith(prefix))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_copies, "_LOOK_S", 0.01)


def finish(run: Path, stage: str) -> None:
    (run / stage / "views").mkdir(parents=True)
    (run / stage / "views" / "0.bin").write_bytes(stage.encode())
    (run / stage / "done.json").write_text(json.dumps({"hash": stage}))


def test_another_machine_gets_each_finished_stage(tmp_path: Path) -> None:
    store, here, there = Memory(), tmp_path / "here", tmp_path / "there"
    with copied_stages(store, ID, here):
        finish(here, "01_load")
        (here / "02_outpaint").mkdir()  # not finished: it has no done.json
        assert store.stored.wait(10)
    assert set(store.files) == {f"{copies_key(ID)}/01_load.tar"}
    with copied_stages(store, ID, there):
        assert (there / "01_load" / "views" / "0.bin").read_bytes() == b"01_load"
        assert (there / "01_load" / "done.json").read_text() == (here / "01_load" / "done.json").read_text()


def test_a_stage_that_is_there_already_is_neither_fetched_nor_copied_again(tmp_path: Path) -> None:
    store = Memory()
    with copied_stages(store, ID, tmp_path / "a"):
        finish(tmp_path / "a", "01_load")
        assert store.stored.wait(10)
    first = dict(store.files)
    finish(tmp_path / "b", "01_load")
    (tmp_path / "b" / "01_load" / "own").write_text("kept")
    store.stored.clear()
    with copied_stages(store, ID, tmp_path / "b"):
        finish(tmp_path / "b", "02_outpaint")
        assert store.stored.wait(10)
    assert (tmp_path / "b" / "01_load" / "own").exists()
    assert store.files[f"{copies_key(ID)}/01_load.tar"] == first[f"{copies_key(ID)}/01_load.tar"]


def test_a_store_that_is_away_stops_no_work(tmp_path: Path) -> None:
    store = Memory()
    store.refuses = 2
    with copied_stages(store, ID, tmp_path):
        finish(tmp_path, "01_load")
        assert store.stored.wait(10)
    assert store.files
