"""Words about the batch and words about its runs, and those for a process on another machine."""

from pathlib import Path

import pytest

from vistadream.batch.words import elsewhere, knobs_of, split


def test_words_are_told_apart() -> None:
    own, others = split(["images=a", "stage=fine", "batch.keep=all", "ray.address=a:1", "seed=0,1"])
    assert own == ["images=a", "batch.keep=all", "ray.address=a:1"]
    assert others == ["stage=fine", "seed=0,1"]


@pytest.mark.parametrize("name", ["scenes", "scenes, two", "it's here"])
def test_elsewhere_the_places_are_absolute(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [f'images="{name}"', f'out="{name} out"', "batch.keep=all", "stage=fine"]
    there, others = knobs_of(elsewhere(words, knobs_of(words)[0]))
    assert (there.images, there.folder) == (str(tmp_path / name), tmp_path / f"{name} out")
    assert there.batch.keep == "all"
    assert not others


def test_elsewhere_an_object_store_keeps_its_name() -> None:
    words = ["images=photos", "out=s3://scenes/spring"]
    assert knobs_of(elsewhere(words, knobs_of(words)[0]))[0].out == "s3://scenes/spring"
