"""A stage's folder is complete or absent, and gives back what was saved."""

import json
from pathlib import Path

import pytest
import torch

from vistadream.core import Camera, Gaussians, Scene, UserError, View
from vistadream.ops.image.pixels import snap
from vistadream.runs.folder import RunFolder

ORDER = ("load", "outpaint", "initialize", "coarse", "refine")


def scene(n: int = 7) -> Scene:
    g = torch.Generator().manual_seed(n)
    mask = torch.rand(6, 8, generator=g) > 0.5
    camera = Camera.from_focal(7.3, 8, 6, (3.9, 3.2))
    rgb = snap(torch.rand(6, 8, 3, generator=g))
    z, confidence = torch.rand(2, 6, 8, generator=g)
    deep = View("deep", camera, rgb, z + 1, mask, ~mask, mask, False, confidence)
    flat = View("flat", camera, rgb, None, mask, ~mask, mask)
    gaussians = Gaussians(
        torch.randn(n, 3, generator=g),
        torch.randn(n, 4, generator=g),
        torch.rand(n, 3, generator=g) + 0.1,
        torch.rand(n, generator=g),
        torch.rand(n, 3, generator=g),
    )
    return Scene((deep, flat), gaussians)


def nothing(folder: Path) -> None:
    pass


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_views_come_back_bit_for_bit(tmp_path: Path) -> None:
    folder, saved = RunFolder(tmp_path, ORDER), scene()
    folder.save_stage("load", saved, {"key": "k"}, nothing)
    loaded = folder.load_stage("load")
    for a, b in zip(saved.views, loaded.views, strict=True):
        assert (a.name, a.focal_known, a.camera.width, a.camera.height) == (
            b.name,
            b.focal_known,
            b.camera.width,
            b.camera.height,
        )
        assert torch.equal(a.camera.K, b.camera.K)
        assert torch.equal(a.camera.cam_from_world, b.camera.cam_from_world)
        for field in ("rgb", "supervise", "lift", "generated"):
            assert torch.equal(getattr(a, field), getattr(b, field)), field
        for field in ("z", "confidence"):
            one, other = getattr(a, field), getattr(b, field)
            assert (one is None and other is None) or torch.equal(one, other), field


def test_saving_what_was_loaded_writes_the_same_bytes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    folder.save_stage("load", scene(), {"key": "k"}, nothing)
    first = files(folder.stage("load"))
    folder.save_stage("load", folder.load_stage("load"), {"key": "k"}, nothing)
    assert files(folder.stage("load")) == first


def test_a_stage_that_fails_while_saving_leaves_the_old_one(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    folder.save_stage("load", scene(3), {"key": "old"}, nothing)
    before = files(tmp_path)

    def full_disk(draft: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left"):
        folder.save_stage("load", scene(4), {"key": "new"}, full_disk)
    assert files(tmp_path) == before


def test_a_new_result_drops_the_stages_built_on_the_old_one(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    for name in ("load", "initialize", "refine"):
        folder.save_stage(name, scene(), {"key": name}, nothing)
    folder.save_stage("initialize", scene(4), {"key": "new"}, nothing)
    assert folder.finished("load") == {"key": "load"}
    assert folder.finished("initialize") == {"key": "new"}
    assert folder.finished("refine") is None


def test_a_kill_while_a_stage_takes_its_place_leaves_no_later_stage(tmp_path: Path, monkeypatch) -> None:
    folder = RunFolder(tmp_path, ORDER)
    folder.save_stage("load", scene(3), {"key": "old"}, nothing)
    folder.save_stage("initialize", scene(3), {"key": "old"}, nothing)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.save_stage("load", scene(4), {"key": "new"}, nothing)
    assert folder.finished("initialize") is None


@pytest.mark.parametrize("spoil", ["gone", "cut", "text"])
@pytest.mark.parametrize("file", ["scene.json", "gaussians.ply", "views/*.rgb.png", "views/*.camera.json"])
def test_a_damaged_stage_is_one_sentence_with_what_to_do(spoil: str, file: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    folder.save_stage("load", scene(), {"key": "k"}, nothing)
    path = next(folder.stage("load").glob(file))
    content = path.read_bytes()
    path.unlink() if spoil == "gone" else path.write_bytes(content[: len(content) // 2] if spoil == "cut" else b"{}")
    with pytest.raises(UserError, match=r"01_load is damaged .*remove that folder"):
        folder.load_stage("load")


def test_a_folder_without_a_whole_done_json_is_not_finished(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    folder.save_stage("load", scene(), {"key": "k"}, nothing)
    done = folder.stage("load") / "done.json"
    done.write_text(done.read_text()[:5])
    assert folder.finished("load") is None
    done.write_text("[1]")
    assert folder.finished("load") is None


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    with folder.replace(folder.config) as draft:
        draft.write_text("old")

    def half() -> None:
        with folder.replace(folder.config) as draft:
            draft.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert folder.config.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]


def test_drafts_of_a_killed_run_are_cleared(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    (tmp_path / ".04_coarse.123").mkdir()
    (tmp_path / "export").mkdir()
    for name in (".run.99.json", "export/.gaussians.99.compressed.ply", ".mine"):
        (tmp_path / name).touch()
    folder.clear_drafts()
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".mine", "export"], "what is not ours stays"


def test_a_new_folder_is_never_one_that_is_there(tmp_path: Path) -> None:
    made = [RunFolder.make(tmp_path / "photo" / "today").root.name for _ in range(3)]
    assert made == ["today", "today.2", "today.3"]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        RunFolder.make(tmp_path / "file" / "today")


def test_a_folder_without_an_order_finds_the_stages_that_are_there(tmp_path: Path) -> None:
    for name in ("load", "initialize"):
        RunFolder(tmp_path, ORDER).save_stage(name, scene(), {"key": name}, nothing)
    found = RunFolder(tmp_path)
    assert found.finished_stages() == ("load", "initialize")
    assert found.stage("initialize").name == "03_initialize"
    assert found.finished("initialize") == {"key": "initialize"}
    assert found.finished("refine") is None


def test_an_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        RunFolder(tmp_path / "file", ORDER).save_stage("load", scene(), {}, nothing)


def test_recordings_are_never_overwritten(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    names = []
    for _ in range(3):
        path = folder.new_recording()
        path.touch()
        names.append(path.name)
    assert names == ["run.rrd", "run.2.rrd", "run.3.rrd"]


def test_cameras_are_plain_json(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, ORDER)
    folder.save_stage("load", scene(), {"key": "k"}, nothing)
    facts = json.loads((folder.stage("load") / "views" / "deep.camera.json").read_text())
    assert facts["width"] == 8
    assert len(facts["cam_from_world"]) == 4
