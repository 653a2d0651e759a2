"""Configurations of their own, with groups of knobs."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from vistadream.config import own_file
from vistadream.core import UserError
from vistadream.core.knobs import ABOVE_0, check_ranges


@dataclass(frozen=True)
class Shelf:
    height_m: float
    folder: Path | None

    def __post_init__(self) -> None:
        check_ranges(self, height_m=ABOVE_0)


@dataclass(frozen=True)
class Room:
    shelf: Shelf
    doors: int


@pytest.fixture
def room(tmp_path, monkeypatch):
    """conf/room.yaml with a group, read with some words."""
    (tmp_path / "room.yaml").write_text("doors: 1\nshelf:\n  height_m: 2.0\n  folder: null\n")
    monkeypatch.setattr(own_file, "composed_files", lambda words, job: _composed(tmp_path, words, job))
    return lambda *words: own_file.own_knobs("room", Room, words)


def _composed(folder, words, job):
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose(job, overrides=list(words))


def test_a_group_of_knobs_becomes_its_dataclass(room):
    made = room("doors=2", "shelf.height_m=3", "shelf.folder=a=b,{c}")
    assert made.doors == 2
    assert made.shelf == Shelf(3, Path("a=b,{c}"))
    assert made.shelf.height_m == 3


def test_a_wrong_value_in_a_group_is_named(room):
    with pytest.raises(UserError, match=r"shelf.*height_m"):
        room("shelf.height_m=0")
    with pytest.raises(UserError, match=r"shelf\.hight_m is not a knob.*did you mean shelf\.height_m"):
        room("shelf.hight_m=1")
