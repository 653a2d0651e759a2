"""Results belong to one scene: they are added to while it is the same, and replaced as a whole when it is another."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from vistadream.core import Scene, UserError
from vistadream.runs.folder import RunFolder
from vistadream.runs.results import new_results, write_results


def write(root: Path, key: str, **texts: str) -> None:
    """Results of a scene: file names, with _ for a dot and __ for a folder, and their texts."""
    with new_results(root, key) as draft:
        for name, text in texts.items():
            file = draft / name.replace("__", "/").replace("_", ".")
            file.parent.mkdir(exist_ok=True)
            file.unlink(missing_ok=True)
            file.write_text(text)


def texts(root: Path) -> dict[str, str]:
    """All files of the run folder but the list itself."""
    files = sorted(file for file in root.rglob("*") if file.is_file() and file.name != "results.json")
    return {file.relative_to(root).as_posix(): file.read_text() for file in files}


def listed(root: Path) -> dict:
    return json.loads((root / "results.json").read_text())


def test_results_of_the_same_scene_are_added(tmp_path: Path) -> None:
    write(tmp_path, "one", export__a_ply="a", metrics_json="m", export__set__0_png="0")
    write(tmp_path, "one", export__b_mp4="b", export__a_ply="again")
    expected = {"export/a.ply": "again", "export/b.mp4": "b", "export/set/0.png": "0", "metrics.json": "m"}
    assert texts(tmp_path) == expected
    assert listed(tmp_path) == {"key": "one", "files": sorted(expected)}


def test_results_of_another_scene_replace_all_but_the_files_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    write(tmp_path, "one", export__a_ply="a", metrics_json="m", report_html="r", export__set__0_png="0")
    (tmp_path / "export" / "mine.txt").write_text("mine")
    (tmp_path / "export" / "notes").mkdir()
    (tmp_path / "export" / "notes" / "a.txt").write_text("mine too")
    write(tmp_path, "one", export__b_mp4="b")
    write(tmp_path, "two", export__c_ply="c", metrics_json="new")
    users = {"export/mine.txt": "mine", "export/notes/a.txt": "mine too", "run.json": "{}"}
    assert texts(tmp_path) == {"export/c.ply": "c", "metrics.json": "new", **users}
    assert listed(tmp_path) == {"key": "two", "files": ["export/c.ply", "metrics.json"]}


def test_a_result_in_the_place_of_a_file_of_the_user_is_a_result(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    write(tmp_path, "one", export__a_ply="a")
    (tmp_path / "export" / "b.ply").write_text("of the user")
    write(tmp_path, "one", export__b_ply="a result")
    write(tmp_path, "two")
    assert texts(tmp_path) == {}
    assert not (tmp_path / "export").exists()


def test_an_exporter_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "one", export__a_ply="a", metrics_json="m")
    before = texts(tmp_path), listed(tmp_path)

    def fail() -> None:
        with new_results(tmp_path, "two") as draft:
            (draft / "export" / "b.ply").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (texts(tmp_path), listed(tmp_path)) == before


@pytest.mark.parametrize("method", ["replace", "rename", "unlink", "rmdir"])
@pytest.mark.parametrize("after", range(4))
def test_a_kill_at_any_moment_mixes_no_scenes(method: str, after: int, tmp_path: Path, monkeypatch) -> None:
    """Whatever was left, the next run removes every result of the first scene, and nothing of the user."""
    write(tmp_path, "one", export__a_ply="a", metrics_json="m", report_html="r")
    (tmp_path / "export" / "mine.txt").write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr(Path, method, killing(getattr(Path, method), after))
        try:
            write(tmp_path, "two", export__b_ply="b")
        except KeyboardInterrupt:
            if any(text in "amr" for text in texts(tmp_path).values()):
                assert listed(tmp_path)["key"] != "two", "results of the first scene are there"
    RunFolder(tmp_path).clear_drafts()
    assert not list(tmp_path.glob(".*")), "no drafts"
    assert (tmp_path / "export" / "mine.txt").read_text() == "mine"
    write(tmp_path, "two", export__c_ply="c")
    assert {"a", "m", "r"}.isdisjoint(texts(tmp_path).values())
    assert (texts(tmp_path)["export/c.ply"], texts(tmp_path)["export/mine.txt"]) == ("c", "mine")


@pytest.mark.parametrize("method", ["replace", "rename", "unlink"])
@pytest.mark.parametrize("after", range(6))
def test_results_of_the_same_scene_are_there_at_every_moment(
    method: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill while others are added leaves what was there, and a folder of new ones is there with all of them."""
    write(tmp_path, "one", export__a_ply="a", export__set__0_png="0", metrics_json="m")
    before = texts(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, method, killing(getattr(Path, method), after))
        with suppress(KeyboardInterrupt):
            write(tmp_path, "one", export__b_mp4="b", export__new__0_png="0", export__new__1_png="1")
    RunFolder(tmp_path).clear_drafts()
    assert before.items() <= texts(tmp_path).items()
    assert len(list((tmp_path / "export").glob("new/*"))) in (0, 2)
    assert listed(tmp_path)["key"] == "one"
    write(tmp_path, "one", export__b_mp4="b", export__new__0_png="0", export__new__1_png="1")
    assert set(listed(tmp_path)["files"]) == set(texts(tmp_path))


def killing(method: Callable, after: int) -> Callable:
    """The method, which ends the process at one of its calls."""
    calls = []

    def called(*given: object, **named: object) -> object:
        calls.append(given)
        if len(calls) > after:
            raise KeyboardInterrupt
        return method(*given, **named)

    return called


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"key": "one", "files": 3}', None])
def test_without_a_whole_list_all_of_export_are_results(damage: str | None, tmp_path: Path) -> None:
    """So it is in a run folder of version 0.1."""
    write(tmp_path, "one", export__a_ply="a", metrics_json="m", report_html="r")
    if damage is None:
        (tmp_path / "results.json").unlink()
    else:
        (tmp_path / "results.json").write_text(damage)
    write(tmp_path, "one", export__b_ply="b")
    assert texts(tmp_path) == {"export/b.ply": "b"}


def test_a_list_that_somebody_else_wrote_names_no_file_outside(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder, "one", metrics_json="m")
    (tmp_path / "outside.txt").write_text("stays")
    (folder / "results.json").write_text(json.dumps({"key": "one", "files": ["../outside.txt", "metrics.json"]}))
    write(folder, "two")
    assert texts(tmp_path) == {"outside.txt": "stays"}


@dataclass(frozen=True)
class Writes:
    """Writes a file that names what was there before it."""

    file: str
    place: ClassVar[str] = "export"

    def __call__(self, scene: Scene, target: Path, context: None) -> None:
        there = sorted(file.name for file in target.rglob("*") if file.is_file())
        (target / self.file).write_text(",".join(there))


@dataclass(frozen=True)
class WritesAbout(Writes):
    """The same, for the run folder itself."""

    place: ClassVar[str] = "."


def test_what_describes_the_run_is_written_last(tmp_path: Path) -> None:
    exporters = [WritesAbout("page.html"), Writes("a.ply"), Writes("b.ply")]
    write_results(RunFolder(tmp_path), "one", exporters, Scene(), None)
    assert texts(tmp_path) == {"export/a.ply": "", "export/b.ply": "a.ply", "page.html": "a.ply,b.ply"}


def test_a_disk_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*export"):
        write_results(RunFolder(tmp_path / "file"), "one", [], Scene(), None)
