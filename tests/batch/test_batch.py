"""The command from its words to its exit code, with an engine that works in this process."""

import errno
import json
import os
import shlex
import signal
from functools import cache
from pathlib import Path

import pytest

from vistadream.assets import sample_image
from vistadream.batch import queue as queue_module
from vistadream.batch import recipes as recipes_module
from vistadream.batch import run as module
from vistadream.batch.batch import Batch
from vistadream.batch.folder import BatchFolder
from vistadream.batch.knobs import Knobs
from vistadream.batch.storage import Storage
from vistadream.batch.worker import queue_of
from vistadream.commands.main import main
from vistadream.workers.file_lock import try_lock
from vistadream.workers.queue import Outcome


class Inline:
    """Works on the items of a batch one after the other; `asked` are signals that come before each."""

    asked: tuple[int, ...] = ()

    def run(self, batch: Batch, storage: Storage, knobs: Knobs) -> None:
        queue, signals = queue_of(knobs, batch.folder, "inline"), list(self.asked)
        while not (batch.is_over() or batch.is_draining):
            if task := queue.take("", fresh=True):
                queue.settle(task, queue.work(task, lambda: False))
                if signals:
                    os.kill(os.getpid(), signals.pop(0))
            batch.look()


def work_on(item, attempt, folder, storage, *rest):
    """In the place of a run: pictures that are named bad cannot be used."""
    if Path(item.names[0]).name == "bad.png":
        return Outcome("failed", "it is no picture")
    ready = folder.attempt(item.id, attempt) / "ready"
    ready.mkdir()
    (ready / "item.json").write_text(
        json.dumps({"id": item.id, "names": item.names, "seconds": 1.0, "attempt": attempt})
    )
    storage.publish(item.id, ready)
    return Outcome("done")


@cache
def recipe_once(words: tuple[str, ...]) -> recipes_module.Recipe:
    return _RECIPE_OF(words)


_RECIPE_OF = recipes_module.recipe_of


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> type[Inline]:
    engine = type("Engine", (Inline,), {})
    monkeypatch.setitem(module.ENGINES, "local", engine)
    monkeypatch.setattr(queue_module, "work_on", work_on)
    monkeypatch.setattr(recipes_module, "recipe_of", lambda words: recipe_once(tuple(words)))
    monkeypatch.setattr("vistadream.batch.batch._LOOK_S", 0.001)
    monkeypatch.setattr("vistadream.batch.batch._EACH_S", 0.0)
    return engine


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.png").write_bytes(sample_image().read_bytes() + bytes([n]))
    return folder


@pytest.fixture
def command(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    def start(*words: str, out: Path | None = None, images: Path | None = None) -> tuple[int, str]:
        code = main(["batch", f"images={images or photos}", f"out={out or tmp_path / 'out'}", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return start


def published(tmp_path: Path) -> int:
    return len(list((tmp_path / "out" / "items").glob("*/*/item.json")))


def names(tmp_path: Path) -> list[list[str]]:
    """The names of the files of each published item."""
    found = [json.loads(file.read_text()) for file in (tmp_path / "out" / "items").glob("*/*/item.json")]
    return [[Path(name).name for name in about["names"]] for about in found]


def test_a_second_start_has_nothing_to_do(command, tmp_path: Path) -> None:
    code, said = command()
    assert (code, published(tmp_path)) == (0, 3)
    assert "nothing is left to do: 3 published, 0 given up" in said
    inodes = {file: file.stat().st_ino for file in (tmp_path / "out" / "items").glob("*/*/item.json")}
    assert command()[0] == 0
    assert {file: file.stat().st_ino for file in inodes} == inodes


def test_a_renamed_picture_costs_nothing_and_a_new_one_is_done(command, photos: Path, tmp_path: Path) -> None:
    command()
    (photos / "0.png").rename(photos / "9.png")
    (photos / "new.png").write_bytes(sample_image().read_bytes())
    assert command()[0] == 0
    assert published(tmp_path) == 4
    assert ["9.png", "0.png"] in names(tmp_path), "the new name is shown, the old one is kept"
    (photos / "copy.png").write_bytes((photos / "9.png").read_bytes())
    assert "nothing is left to do: 4 published" in command()[1]
    assert ["9.png", "0.png", "copy.png"] in names(tmp_path)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["counts"]["published"] == 4


def test_other_knobs_must_be_asked_for(command, tmp_path: Path) -> None:
    command()
    code, said = command("seed=1")
    assert code == 2
    assert "batch.add=true" in said
    assert command("seed=1", "batch.add=true")[0] == 0
    assert published(tmp_path) == 6
    assert command()[0] == 0, "the first words go on to be known"


def test_some_bad_pictures_end_well_each_with_its_sentence(command, photos: Path, tmp_path: Path) -> None:
    for n in range(3, 19):
        (photos / f"{n}.png").write_bytes(sample_image().read_bytes() + bytes([n]))
    (photos / "bad.png").write_bytes(b"nothing")
    assert command()[0] == 0, "5 of 100 may be bad"
    out = BatchFolder(tmp_path / "out")
    given_up = [json.loads(file.read_text()) for file in out.quarantine.iterdir()]
    assert [(Path(about["names"][0]).name, about["sentence"]) for about in given_up] == [
        ("bad.png", "it is no picture")
    ]
    counts = json.loads(out.report_json.read_text())["counts"]
    assert counts == {"items": 20, "published": published(tmp_path), "given_up": 1, "under_way": 0, "left": 0}
    assert list(out.work.iterdir()) == []


@pytest.mark.parametrize(("max_bad", "code"), [("0.05", 2), ("0.5", 0)])
def test_bad_pictures_and_the_exit_code(command, photos: Path, max_bad: str, code: int) -> None:
    (photos / "bad.png").write_bytes(b"nothing")
    found, said = command(f"batch.max_bad={max_bad}")
    assert found == code
    assert "3 published, 1 given up" in said
    assert ("1 of 4 items were given up" in said) == (code == 2)
    assert command(f"batch.max_bad={max_bad}")[0] == code, "the next start says the same"


@pytest.mark.parametrize(
    ("signals", "code"), [((signal.SIGINT,), 130), ((signal.SIGTERM,), 143), ((signal.SIGINT, signal.SIGINT), 130)]
)
def test_a_stopped_batch_says_what_goes_on(command, inline, tmp_path: Path, signals: tuple, code: int) -> None:
    inline.asked = signals
    found, said = command("seed=3")
    assert found == code
    assert published(tmp_path) == 1
    going_on = said.split("go on with: vistadream ")[1].strip()
    inline.asked = ()
    assert main(shlex.split(going_on)) == 0
    assert published(tmp_path) == 3


def test_limit_and_sweep(command, tmp_path: Path) -> None:
    assert command("seed=0,1", "batch.limit=4")[0] == 0
    assert published(tmp_path) == 4


def test_two_drivers_on_one_folder(command, tmp_path: Path) -> None:
    command("batch.limit=1")
    with try_lock(BatchFolder(tmp_path / "out").driver):
        code, said = command()
        assert code == 2
        assert "join=true helps it" in said
        assert command("join=true")[0] == 0, "what the other driver has listed is done"
    assert published(tmp_path) == 1


def test_a_disk_without_locks_is_named_and_does(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_locks(*args: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("vistadream.workers.file_lock.fcntl.flock", without_locks)
    code, said = command()
    assert (code, published(tmp_path)) == (0, 3)
    assert "has no locks (No locks available): dead workers are known by their silence alone" in said


def test_a_helper_whose_driver_is_gone_says_so(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command()
    folder = BatchFolder(tmp_path / "out")
    folder.plan.write_text("")
    lock = try_lock(folder.driver)
    monkeypatch.setattr(Inline, "run", lambda self, batch, *rest: (lock.close(), batch.look()))
    code, said = command("join=true")
    assert code == 2
    assert "the driver that listed the items is gone" in said


def bad_words() -> dict[str, tuple[dict, tuple[str, ...], str]]:
    return {
        "no images": ({}, ("images=null",), "there are no images"),
        "gone": ({}, ("images=/nowhere/at/all",), "is not there"),
        "other engine": ({}, ("engine=cloud",), "wanted one of local"),
        "misspelt": ({}, ("batch.kep=all",), "did you mean batch.keep"),
        "misspelt knob": ({}, ("sead=1",), "did you mean seed"),
        "no word": ({}, ("photos",), "cannot read 'photos'"),
        "no workers": ({}, ("workers=0",), "wanted a number from 1 on, or auto"),
        "share": ({}, ("batch.max_bad=5",), "wanted 0 to 1"),
        "one picture": ({}, ("image=a.png",), "wanted images="),
    }


@pytest.mark.parametrize(("places", "words", "said"), bad_words().values(), ids=bad_words())
def test_bad_words_get_one_sentence(command, tmp_path: Path, places: dict, words: tuple, said: str) -> None:
    code, text = command(*words, **places)
    assert code == 2
    assert said in text
    assert "Traceback" not in text
    assert not (tmp_path / "out").exists(), "nothing was made"


def test_folders_that_cannot_be_those_of_a_batch(command, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    for out, said in (
        (tmp_path / "file", "is a file"),
        (photos / "out", "lies inside of images="),
        (photos, "is the folder of the images"),
        (tmp_path / "full", "holds other files"),
    ):
        code, text = command(out=out)
        assert code == 2
        assert said in text
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["thesis.txt"]


def test_a_batch_json_that_is_not_whole(command, tmp_path: Path) -> None:
    command()
    file = tmp_path / "out" / "batch.json"
    file.write_text("{")
    code, said = command()
    assert code == 2
    assert "move it away" in said
    file.unlink()
    assert command()[0] == 0
    assert published(tmp_path) == 3


def test_an_item_json_that_is_gone_is_made_again(command, tmp_path: Path) -> None:
    command()
    next((tmp_path / "out" / "items").glob("*/*/item.json")).unlink()
    assert command()[0] == 0
    assert published(tmp_path) == 3


def test_a_disk_that_fills_half_way_is_waited_for(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = iter([False, True, True, True, True, False])

    def on_a_full_disk(item, attempt, folder, storage, *rest):
        if next(full, False):
            return Outcome("broken", "No space left on device", errno.ENOSPC)
        return work_on(item, attempt, folder, storage, *rest)

    monkeypatch.setattr(queue_module, "work_on", on_a_full_disk)
    monkeypatch.setattr("vistadream.batch.troubles._PAUSE_S", 0.01)
    code, said = command()
    assert (code, published(tmp_path)) == (0, 3), said
    assert said.count("No space left on device") == 1, "it is said once"
    assert not list((tmp_path / "out" / "quarantine").glob("*")), "four times, and none of them counts"
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["counts"] == {"items": 3, "published": 3, "given_up": 0, "under_way": 0, "left": 0}


def test_a_disk_that_fails_while_it_is_watched_is_said(command, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = iter([OSError(5, "Input/output error")])
    real = Batch._watch

    def watch(batch: Batch) -> None:
        for error in failing:
            raise error
        real(batch)

    monkeypatch.setattr(Batch, "_watch", watch)
    code, said = command()
    assert code == 0
    assert "paused: [Errno 5] Input/output error" in said
    assert "the disk is back: it goes on" in said
