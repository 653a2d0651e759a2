"""Early looks: each replaces the one before, the finished scene replaces them all, and nothing else ever goes."""

from pathlib import Path

import pytest
import torch
from tests.runs.test_results import killing

from vistadream.core import Cancelled, Gaussians, Note, StageFinished, StageStarted
from vistadream.formats.ply import read_ply
from vistadream.runs.folder import RunFolder
from vistadream.runs.listed import Listed
from vistadream.runs.looks import Looks
from vistadream.runs.results import new_results

PLY = "export/gaussians.ply"


def gaussians(n: int) -> Gaussians:
    flat = torch.rand(n, 3, generator=torch.Generator().manual_seed(n))
    quats = torch.tensor([1.0, 0, 0, 0]).expand(n, 4)
    return Gaussians(flat + 1, quats, flat + 0.1, torch.full((n,), 0.5), flat)


def watched(root: Path, wanted: bool = True) -> tuple[Looks, list[tuple[str, object]]]:
    seen: list[tuple[str, object]] = []
    folder = RunFolder(root, ("initialize", "coarse"))
    return Looks(folder, lambda name, value, step=None: seen.append((name, value)), 0.0, wanted), seen


def run_stage(looks: Looks, stage: str, *counts: int) -> None:
    """A stage that shows its Gaussians once before its end, and again after it."""
    looks(f"{stage}/started", StageStarted(stage))
    looks(f"{stage}/gaussians", gaussians(counts[0]))
    looks(f"{stage}/finished", StageFinished(stage, 1.0))
    looks(f"{stage}/gaussians", gaussians(counts[-1]))


def finish(root: Path, **texts: str) -> None:
    with new_results(root, "finished") as draft:
        for name, text in texts.items():
            (draft / "export" / name).write_text(text)


def test_a_look_is_a_listed_result_until_the_next_one(tmp_path: Path) -> None:
    looks, seen = watched(tmp_path)
    for stage, counts in (("initialize", (3, 4)), ("coarse", (5, 6))):
        run_stage(looks, stage, *counts)
        assert len(read_ply(tmp_path / PLY)) == counts[-1]
        assert Listed.read(tmp_path) == Listed(None, frozenset({PLY}), stage)
    notes = [value.text for _, value in seen if isinstance(value, Note)]
    assert ["first look" in note for note in notes] == [True, False, False, False]
    assert all(str(tmp_path / PLY) in note for note in notes), "it says where"


def test_the_finished_scene_takes_the_place_of_the_look(tmp_path: Path) -> None:
    run_stage(watched(tmp_path)[0], "initialize", 3)
    (tmp_path / "export" / "mine.txt").write_text("mine")
    finish(tmp_path, scene="s")
    assert Listed.read(tmp_path) == Listed("finished", frozenset({"export/scene"}))
    assert not (tmp_path / PLY).exists()
    assert (tmp_path / "export" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("kept", ["results", "files of the user"])
def test_a_look_replaces_nothing_but_a_look(kept: str, tmp_path: Path) -> None:
    if kept == "results":
        finish(tmp_path, **{"gaussians.ply": "old", "scene.mp4": "old"})
    else:
        (tmp_path / "export").mkdir()
        (tmp_path / PLY).write_text("old")
    before = Listed.read(tmp_path)
    run_stage(watched(tmp_path)[0], "initialize", 3)
    assert Listed.read(tmp_path) == before
    assert (tmp_path / PLY).read_text() == "old"


@pytest.mark.parametrize("method", ["replace", "rename", "unlink", "rmdir"])
@pytest.mark.parametrize("after", range(3))
def test_after_a_kill_at_any_moment_the_results_are_whole(method: str, after: int, tmp_path: Path, monkeypatch) -> None:
    looks, _ = watched(tmp_path)
    run_stage(looks, "initialize", 3)
    with monkeypatch.context() as patch:
        patch.setattr(Path, method, killing(getattr(Path, method), after))
        try:
            run_stage(looks, "coarse", 5)
        except KeyboardInterrupt:
            assert Listed.read(tmp_path).key is None, "nobody takes it for the finished scene"
    RunFolder(tmp_path).clear_drafts()
    run_stage(watched(tmp_path)[0], "coarse", 5)
    finish(tmp_path, scene="s")
    assert [file.name for file in (tmp_path / "export").iterdir()] == ["scene"]
    assert not list(tmp_path.glob(".*")), "no drafts"


def test_a_look_that_cannot_be_exported_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    looks, seen = watched(tmp_path / "a file")
    run_stage(looks, "initialize", 3)
    notes = [value for _, value in seen if isinstance(value, Note)]
    assert [note.level for note in notes] == ["warning"] * 2
    assert "initialize" in looks.milestones_s
    assert "first_look" not in looks.milestones_s


def test_what_observers_ask_for_gets_through(tmp_path: Path) -> None:
    def stop(name, value, step=None):
        if name == "initialize/look":
            raise Cancelled

    looks = Looks(RunFolder(tmp_path), stop, 0.0, wanted=True)
    with pytest.raises(Cancelled):
        run_stage(looks, "initialize", 3)


def test_no_look_at_a_stage_from_disk_nor_where_gaussians_are_not_exported(tmp_path: Path) -> None:
    looks, seen = watched(tmp_path)
    looks("initialize/finished", StageFinished("initialize", 1.0, resumed=True))
    looks("initialize/gaussians", gaussians(3))
    assert looks.milestones_s == {}
    run_stage(watched(tmp_path, wanted=False)[0], "initialize", 3)
    assert not list(tmp_path.iterdir())
    assert len(seen) == 2


def test_milestones_come_in_their_order(tmp_path: Path) -> None:
    looks, _ = watched(tmp_path)
    run_stage(looks, "initialize", 3)
    run_stage(looks, "coarse", 5)
    looks.milestone("end")
    assert list(looks.milestones_s) == ["first_look", "initialize", "coarse", "end"]
    assert sorted(looks.milestones_s.values()) == list(looks.milestones_s.values())
