"""A file or folder appears whole or not at all."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from vistadream.formats.files import drafts, new_file, new_folder, settle, sha256_of


class FullDisk(Exception): ...


def break_off(writing: AbstractContextManager[Path], begin: Callable[[Path], object]) -> None:
    with writing as draft:
        begin(draft)
        assert drafts(draft.parent) == [draft]
        raise FullDisk


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["a.json", "gaussians.compressed.ply", "no_suffix", ".hidden"])
def test_a_draft_has_the_suffixes_of_its_target(tmp_path: Path, name: str) -> None:
    target = tmp_path / "made" / name
    with new_file(target) as draft:
        draft.write_text("new")
        assert draft.name.endswith("".join(target.suffixes))
        assert drafts(tmp_path) == [draft]
    assert names(target.parent) == [name]
    assert target.read_text() == "new"


@pytest.mark.parametrize("make", [lambda draft: draft.write_text("half"), Path.mkdir], ids=["file", "folder"])
def test_a_failed_writing_leaves_what_was_there(tmp_path: Path, make) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(FullDisk):
        break_off(new_file(target), make)
    assert (names(tmp_path), target.read_text()) == (["a.json"], "old")


def test_a_folder_replaces_the_one_before_or_leaves_it(tmp_path: Path) -> None:
    target = tmp_path / "stage"
    for content in ("old", "new"):
        with new_folder(target) as draft:
            (draft / content).touch()
    assert (names(tmp_path), names(target)) == (["stage"], ["new"])
    with pytest.raises(FullDisk):
        break_off(new_folder(target), lambda draft: (draft / "half").touch())
    assert (names(tmp_path), names(target)) == (["stage"], ["new"])


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(content := bytes(range(256)) * 5000)
    assert sha256_of(file) == hashlib.sha256(content).hexdigest()


def test_a_folder_that_was_moved_away_and_not_replaced_moves_back(tmp_path: Path) -> None:
    """The moment between the two renames, in which a process may be killed."""
    (tmp_path / ".export.old").mkdir()
    (tmp_path / ".export.old" / "mine.txt").write_text("mine")
    (tmp_path / ".export.7").mkdir()
    for draft in drafts(tmp_path):
        settle(draft)
    assert (tmp_path / "export" / "mine.txt").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["export"]
    (tmp_path / ".export.old").mkdir()
    settle(tmp_path / ".export.old")
    assert [file.name for file in tmp_path.iterdir()] == ["export"]
