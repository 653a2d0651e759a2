"""One run as a whole: how resuming composes its words, how its end is told, and that it is alone in its folder."""

import errno
import fcntl
import json
import os
import time
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from vistadream import app, session
from vistadream.app import run
from vistadream.assets import sample_image
from vistadream.config import compose, quote_paths
from vistadream.core import UserError
from vistadream.runs.folder import RunFolder

SMALL = ("max_resolution=64", "stages.initialize.steps=1", "rerun.mode=off", "export.videos=[]")


def test_a_resumed_run_takes_new_words_for_old_ones(tmp_path: Path) -> None:
    first = run([*SMALL, "stage=no-outpaint", "trajectory=spiral", f"out={tmp_path}"])
    again = run([f"+resume={first.folder}", "trajectory=swing", "seed=3"])
    assert again.folder == first.folder
    facts = json.loads((first.folder / "run.json").read_text())
    assert facts["seed"] == 3
    assert "trajectory=swing" in facts["overrides"]
    assert "trajectory=spiral" not in facts["overrides"]
    assert "Swing" in (first.folder / "config.yaml").read_text()


def test_a_resumed_run_leaves_out_the_knobs_of_what_is_replaced(tmp_path: Path) -> None:
    first = run([*SMALL, "stage=no-outpaint", "trajectory.turns=1", f"out={tmp_path}"])
    again = run([f"resume={first.folder}", "trajectory=swing"])
    assert "trajectory.turns=1" not in status(again.folder)["overrides"]
    assert "left out, as it belongs to what was replaced: trajectory.turns=1" in (again.folder / "run.log").read_text()


def test_a_run_of_another_version_is_computed_anew_and_says_so(tmp_path: Path) -> None:
    first = run([*SMALL, "stage=no-outpaint", f"out={tmp_path}"])
    (first.folder / "run.json").write_text(json.dumps(status(first.folder) | {"vistadream": "0.1.0"}))
    run([f"resume={first.folder}"])
    assert "written by version 0.1.0" in (first.folder / "run.log").read_text()
    assert status(first.folder)["vistadream"] != "0.1.0"
    run([f"resume={first.folder}"])
    assert (first.folder / "run.log").read_text().count("written by version") == 1


def test_the_run_folder_is_named_first_and_the_seconds_are_those_of_the_whole_run(tmp_path: Path, capsys) -> None:
    """Also where a Rerun server has addresses to print."""
    began_s = time.perf_counter() - 5
    made = run([*SMALL, "stage=no-outpaint", "rerun.mode=serve", f"out={tmp_path}"], begun_s=began_s)
    passed_s = time.perf_counter() - began_s
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"run folder: {made.folder}"
    assert any(line.startswith("watch from here") for line in lines)
    facts = status(made.folder)
    assert list(facts["seconds"]) == ["start", "stages", "delivery"]
    assert facts["seconds"]["start"] > 5
    assert facts["seconds"]["stages"] >= sum(stage["seconds"] for stage in facts["stages"].values())
    assert passed_s - 3 < sum(facts["seconds"].values()) < passed_s, "all but the last page and the viewer's end"


COARSE = ("stages.coarse.n_frames=0", "stages.coarse.candidates.count=3", "stages.coarse.n_closing=1")


def write_cameras(file: Path, step: float) -> None:
    cameras = [{"cam_from_world": [[1, 0, 0, x], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]} for x in (0.0, step)]
    file.write_text(json.dumps({"cameras": cameras}))


def status(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def test_a_run_that_failed_says_so_and_why_until_it_is_mended(tmp_path: Path) -> None:
    given = ["backends/depth=given", f"backends.depth.path={tmp_path / 'z.npy'}"]
    np.save(tmp_path / "z.npy", np.zeros((576, 768), np.float32))
    with pytest.raises(UserError, match="no pixel holds a depth"):
        run([*SMALL, "stage=no-outpaint", f"out={tmp_path}", *given])
    (folder,) = tmp_path.glob("sample/*")
    assert status(folder)["status"] == "failed"
    assert "no pixel holds a depth" in status(folder)["error"]
    assert "z.npy: no pixel holds a depth" in (folder / "run.log").read_text().splitlines()[-1]
    np.save(tmp_path / "z.npy", np.ones((576, 768), np.float32))
    run([f"resume={folder}"])
    assert status(folder)["status"] == "finished"
    assert "error" not in status(folder)


@pytest.mark.parametrize("content", ["[]", "3", '{"overrides": 3}', "{}", "no json"])
def test_a_damaged_run_json_is_one_sentence(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match="is not a run folder; wanted one with"):
        run([f"resume={tmp_path}"])


def test_a_picture_in_quotes_is_found_from_anywhere_and_a_changed_one_is_noticed(tmp_path: Path, monkeypatch) -> None:
    """In quotes, as every run of --multirun is handed it."""
    here = tmp_path / "it's here"
    here.mkdir()
    monkeypatch.chdir(here)
    picture = here / "a b.png"
    picture.write_bytes(sample_image().read_bytes())
    first = run([*SMALL, "stage=no-outpaint", "image='a b.png'", "out='../o'"])
    assert f"image={picture}" in status(first.folder)["overrides"]
    Image.new("RGB", (64, 48), "red").save(picture)
    monkeypatch.chdir(tmp_path)
    again = run([f"resume={tmp_path / 'o' / 'a_b' / first.folder.name}"])
    assert float(again.scene.view("input").rgb[..., 1].max()) < 0.1, "red"


def test_a_finished_run_needs_none_of_its_inputs(tmp_path: Path) -> None:
    """Not to export once more, nor to go on: its own folder holds all of it."""
    picture, depth, sky, cameras = (tmp_path / name for name in ("a.png", "z.npy", "sky.png", "cameras.json"))
    picture.write_bytes(sample_image().read_bytes())
    np.save(depth, np.ones((576, 768), np.float32))
    Image.linear_gradient("L").point(lambda level: level < 64 and 255).resize((768, 576)).save(sky)
    write_cameras(cameras, 0.05)
    given = ["backends/depth=given", f"backends.depth.path={depth}", f"backends.depth.sky_mask={sky}"]
    given += ["trajectory=custom", f"trajectory.path={cameras}"]
    words = [*SMALL, *given, *COARSE, f"image={picture}", "export.video_frames=2", f"out={tmp_path / 'o'}"]
    folder = RunFolder(run([*words, "stage=coarse"]).folder)
    made = [folder.finished(stage) for stage in ("load", "outpaint", "initialize", "coarse")]
    for file in (picture, depth, sky, cameras):
        file.unlink()
    for _ in range(2):
        run([f"resume={folder.root}", "export.formats=[ply,splat]"])
        assert status(folder.root)["status"] == "finished"
        assert f"trajectory.path={cameras}" in status(folder.root)["overrides"]
        assert [folder.finished(stage) for stage in ("load", "outpaint", "initialize", "coarse")] == made
    assert (folder.root / "export" / "gaussians.splat").exists()
    write_cameras(cameras, 0.1)
    run([f"resume={folder.root}"])
    assert folder.finished("coarse")["key"] != made[-1]["key"], "what is there and has changed counts"


def test_a_picture_from_a_pipe_is_read_once(tmp_path: Path) -> None:
    readable, writable = os.pipe()
    with os.fdopen(readable), os.fdopen(writable, "wb") as pipe:
        feed = Thread(target=lambda: (pipe.write(sample_image().read_bytes()), pipe.close()))
        feed.start()
        first = run([*SMALL, "stage=no-outpaint", f"image=/dev/fd/{readable}", f"out={tmp_path}"])
        feed.join()
    made = RunFolder(first.folder).finished("load")
    run([f"resume={first.folder}"])
    assert RunFolder(first.folder).finished("load") == made


def test_a_disk_without_locks_is_said_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)
    folder = run([*SMALL, "stage=no-outpaint", f"out={tmp_path}"]).folder
    assert "this disk knows no locks" in (folder / "run.log").read_text()


@pytest.mark.parametrize("name", ["..", "..png", "...", ".png", "a/..png"])
def test_every_run_folder_lies_two_below_out(name: str, tmp_path: Path) -> None:
    home = app._home(compose(quote_paths([f"image={name}", f"out={tmp_path}"])))
    assert home.resolve().parent == tmp_path.resolve()


ENDS = [(KeyboardInterrupt, "interrupted"), (SystemExit, "interrupted"), (ZeroDivisionError, "failed")]


@pytest.mark.parametrize(("error", "says"), ENDS)
def test_how_a_run_ended_is_kept(error: type, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(session, "run_stages", end)
    with pytest.raises(error):
        run([*SMALL, f"out={tmp_path}"])
    (folder,) = tmp_path.glob("*/*")
    assert status(folder)["status"] == says
    assert ("error" in status(folder)) == (says == "failed")


def test_two_processes_cannot_work_in_one_folder(tmp_path: Path) -> None:
    first = run([*SMALL, "stage=no-outpaint", f"out={tmp_path}"])
    before = {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()}
    with RunFolder(first.folder).lock(), pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
        run([f"resume={first.folder}", "seed=3"])
    assert {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()} == before


def test_a_flight_along_another_path_than_the_stages_walked(tmp_path: Path) -> None:
    words = ["export.videos=[depth]", "export.video_formats=[gif]", "export.video_frames=2", "export.formats=[splat]"]
    made = run([*SMALL, "stage=no-outpaint", f"out={tmp_path}", *words, "export.video_trajectory=swing"])
    assert sorted(p.name for p in (made.folder / "export").iterdir()) == ["gaussians.splat", "scene_depth.gif"]


def test_a_camera_file_is_found_from_anywhere_and_a_changed_one_runs_its_stage_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        *SMALL,
        *COARSE,
        "stage=coarse",
        "trajectory=custom",
        "trajectory.path=cameras.json",
        "export.video_frames=2",
        "out=runs",
    ]
    write_cameras(tmp_path / "cameras.json", 0.05)
    monkeypatch.chdir(tmp_path)
    folder = run(words).folder.resolve()
    made = RunFolder(folder).finished("coarse")
    monkeypatch.chdir("/")
    run([f"resume={folder}"])
    assert RunFolder(folder).finished("coarse") == made
    write_cameras(tmp_path / "cameras.json", 0.1)
    run([f"resume={folder}"])
    assert RunFolder(folder).finished("coarse")["key"] != made["key"]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="not a run folder"):
        run([f"resume={tmp_path}"])
