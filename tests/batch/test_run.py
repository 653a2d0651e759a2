"""Bad input of `vistadream batch` is one sentence and exit code 2, and whatever was there is still there."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vistadream.commands.main import main
from vistadream.workers.file_lock import try_lock

WORDS = ("stage=no-outpaint", "max_resolution=32", "recipe=quick", "stages.initialize.steps=1", "flight.frames=1")
NOBODY = 65534
"""The number of a user with no rights of its own."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"a picture")
    return tmp_path / "photos"


def refused(capsys, *words: object) -> str:
    """What a command says that ends with exit code 2."""
    assert main(["batch", *map(str, words)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "there are no images"),
        (["images=missing"], "not there"),
        (["images=photos/a.png"], "is one picture"),
        (["images=empty"], "holds no pictures"),
        (["images=photos", "engine=none"], "engine=none"),
        (["images=photos", "engin=local"], "engin"),
        (["images=photos", "workers=0"], "workers"),
        (["images=photos", "workers=many"], "workers"),
        (["images=photos", "batch.max_bad=7"], "max_bad"),
        (["images=photos", "batch.limit=0"], "limit"),
        (["images=photos", "batch.price_per_hour=-1"], "price_per_hour"),
        (["images=photos", "stage=none"], "none"),
        (["images=photos", "max_resolution=-1"], "max_resolution"),
        (["images=photos", "device=mps"], "torch sees no such device; wanted cpu or auto"),
        (["images=photos", "image=a.png"], "images="),
        (["images=photos", "resume=x"], "the same command"),
        (["images=photos", "+x._target_=os.system"], "x"),
        (["images=photos", "go"], "go"),
    ],
)
def test_bad_words_begin_nothing(photos, capsys, monkeypatch, words, said):
    monkeypatch.chdir(photos.parent)
    (photos.parent / "empty").mkdir()
    before = everything(photos.parent)
    assert said in refused(capsys, *words, "out=scenes", *WORDS[2:])
    assert everything(photos.parent) == before
    assert not (photos.parent / "scenes").exists()


@contextmanager
def without_rights() -> Iterator[None]:
    """In the block this process has no rights but those of everybody: root may read everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_images_without_rights(capsys, monkeypatch):
    monkeypatch.setenv("HF_HOME", "/nowhere")  # where the models are may be closed to others
    with tempfile.TemporaryDirectory() as folder:  # that of pytest is closed to others
        Path(folder).chmod(0o777)
        photos = Path(folder) / "photos"
        photos.mkdir(mode=0)
        with without_rights():
            said = refused(capsys, f"images={photos}", f"out={folder}/scenes", *WORDS)
        assert f"{photos} may not be read" in said
        assert os.listdir(folder) == ["photos"]


def test_a_second_driver_is_refused_and_the_first_one_undisturbed(photos, capsys, tmp_path):
    scenes = tmp_path / "scenes"
    words = (f"images={photos}", f"out={scenes}", *WORDS)
    scenes.mkdir()
    lock = try_lock(scenes / "driver.lock")
    (scenes / "plan.jsonl").write_text("of the first one\n")
    assert "has a driver already; wanted one: join=true" in refused(capsys, *words)
    assert (scenes / "plan.jsonl").read_text() == "of the first one\n"
    lock.close()


def test_links_in_a_circle_end(photos, capsys, tmp_path):
    (photos / "back").symlink_to(photos)
    (photos / "a.png").unlink()
    (photos / "away").symlink_to(tmp_path / "photos" / "away")
    assert "holds no pictures" in refused(capsys, f"images={photos}", f"out={tmp_path / 'scenes'}", *WORDS)
