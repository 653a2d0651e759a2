"""Several photos, small but whole: registration, fidelity at a held-out place, and resuming after a kill."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from vistadream import multi_image
from vistadream.config import compose, configured
from vistadream.core import Camera, Scene
from vistadream.formats.colmap import read_images, read_points
from vistadream.ops.evaluation.metrics import psnr
from vistadream.ops.evaluation.poses import focal_error, rotation_error_deg, trajectory_error
from vistadream.ops.image.pixels import to_uint8
from vistadream.ops.views.similarity import fit_similarity
from vistadream.runs.folder import RunFolder

LENS = (128, 96, 120.0)
ANGLES_DEG = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0)
HELD_OUT_DEG = 2.5
STAGES = compose(["input=none"], job="multi_img").order
QUICK = (
    "rerun.mode=off",
    "backends.multi_depth.planes=48",
    "stages.initialize.steps=30",
    "stages.initialize.rounds=1",
    "stages.coarse.n_frames=1",
    "stages.coarse.n_closing=1",
    "stages.coarse.candidates.count=12",
    "stages.coarse.steps=2",
    "stages.refine.steps=5",
    "flight.frames=3",
)
CHILD = "vistadream.colmap.child"


@pytest.fixture(scope="session")
def lens(textured_boxes):
    return textured_boxes(*LENS)


@pytest.fixture(scope="module")
def save(lens) -> Callable[[Path, list[Camera]], Path]:
    """Photographs the boxes, and saves the pictures in a new folder."""

    def photograph(folder: Path, cameras: list[Camera]) -> Path:
        folder.mkdir(parents=True)
        for i, camera in enumerate(cameras):
            Image.fromarray(to_uint8(lens.photograph(camera))).save(folder / f"photo {i}.png")
        return folder

    return photograph


@pytest.fixture(scope="module")
def truth(lens) -> list[Camera]:
    return [lens.camera_on_arc(angle) for angle in ANGLES_DEG]


@pytest.fixture(scope="module")
def photos(tmp_path_factory, save, truth) -> Path:
    return save(tmp_path_factory.mktemp("given") / "Zoë's photos, a=b", truth)


@dataclass(frozen=True)
class Left:
    """What a run has left."""

    folder: Path
    printed: str

    def scene(self, stage: str) -> Scene:
        return RunFolder(self.folder, STAGES).load_stage(stage)


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A run through all stages."""
    out = tmp_path_factory.mktemp("whole")
    return vistadream("multi-img", f"input={photos}", *QUICK, "rerun.mode=save", out=out)


@pytest.fixture(scope="module")
def registered(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """`vistadream auto`, up to the cameras and points, from the folder where the photos are."""
    words = (
        "auto",
        f"input={photos.name}",
        "stage=register",
        "export=[point_cloud,colmap,nerfstudio]",
        "rerun.mode=off",
    )
    return vistadream(*words, out=tmp_path_factory.mktemp("registered"), cwd=photos.parent)


def vistadream(*words: str, out: Path, cwd: Path | None = None) -> Left:
    """The command in a process of its own, as people run it: tests check shapes at each call, which takes long."""
    done = subprocess.run(command(*words, f"out={out}"), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Left(only(out), done.stdout)


def resume(folder: Path, *words: str, cwd: Path | None = None) -> Left:
    return vistadream("multi-img", f"resume={folder}", *words, out=folder.parents[1], cwd=cwd)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "vistadream", *words]


def only(out: Path) -> Path:
    """The one run folder below `out`."""
    (folder,) = out.glob("*/*")
    return folder


def registration(folder: Path) -> dict:
    return json.loads((RunFolder(folder, STAGES).seen("register") / "register_summary.json").read_text())


def test_photos_become_a_scene_with_everything_that_a_run_leaves(whole: Left, assert_as_documented) -> None:
    for name in STAGES:
        assert RunFolder(whole.folder, STAGES).finished(name), name
    assert_as_documented(whole.folder, promises=("always", "`stage=", "`multi-img`"))
    facts = json.loads((whole.folder / "run.json").read_text())
    assert facts["command"] == "multi-img"
    assert facts["status"] == "finished"
    assert {"poses", "multi_depth"} <= set(facts["backends"])


def test_every_photo_is_registered_where_it_was_taken(whole: Left, truth: list[Camera]) -> None:
    summary = registration(whole.folder)
    assert [row["used"] for row in summary["photos"]] == [True] * len(truth)
    scene = whole.scene("register")
    found = [view.camera for view in scene.photos]
    assert torch.equal(scene.anchor.camera.cam_from_world, torch.eye(4))
    assert trajectory_error(found, truth) < 0.01
    assert rotation_error_deg(found, truth) < 0.2
    assert focal_error(found, truth) < 0.01
    assert not scene.is_metric


def test_a_held_out_view_is_rendered_better_than_the_nearest_photo_shows_it(whole: Left, lens, truth) -> None:
    scene, held_out = whole.scene("refine"), lens.camera_on_arc(HELD_OUT_DEG)
    centers = [torch.stack([c.center for c in cameras]) for cameras in (truth, [v.camera for v in scene.photos])]
    camera = fit_similarity(*centers).camera(held_out)
    camera = replace(camera, K=scene.anchor.camera.K)
    with torch.no_grad():
        seen = configured("backends/render=cpu")(scene.gaussians, [camera], want=("rgb",))[0].rgb
    wanted = lens.photograph(held_out)
    copied = max(psnr(view.rgb, wanted) for view in scene.photos)
    assert psnr(seen, wanted) > copied + 4, f"{psnr(seen, wanted):.1f} dB against {copied:.1f} dB"


def test_each_photo_is_rendered_faithfully_where_its_depth_is_trusted(whole: Left) -> None:
    scene = whole.scene("refine")
    cameras = [view.camera for view in scene.photos]
    with torch.no_grad():
        seen = configured("backends/render=cpu")(scene.gaussians, cameras, want=("rgb",))
    for view, rendering in zip(scene.photos, seen, strict=True):
        trusted = view.depth > 0
        assert float(trusted.float().mean()) > 0.7, view.name
        assert psnr(rendering.rgb, view.rgb, trusted) > 20, view.name


def test_a_list_of_files_from_python_gives_the_same_bytes(whole: Left, photos: Path, tmp_path: Path, results) -> None:
    files = [str(file) for file in sorted(photos.glob("*.png"))]
    words = [*QUICK, "export=[ply]", f"out={tmp_path}"]
    program = f"import vistadream; print(vistadream.multi_image({files}, overrides={words}).folder)"
    threads = {"OMP_NUM_THREADS": "1" if torch.get_num_threads() > 1 else "2"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=os.environ | threads, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(only(tmp_path)) in done.stdout
    assert results(only(tmp_path)) == results(whole.folder)


def in_the_mapping(out: Path, process: psutil.Process) -> bool:
    matched = list(out.glob("*/*/02_register.work/sfm/done/match-*.npz"))
    return bool(matched) and any(CHILD in child.cmdline() for child in process.children())


def in_the_fit(out: Path, process: psutil.Process) -> bool:
    found = list(out.glob("*/*/04_initialize.checkpoint.*"))
    return bool(found) and found[0].exists() and len(load_file(found[0])["fit.losses"]) >= 10


def kill(process: subprocess.Popen, when: Callable[[Path, psutil.Process], bool], out: Path) -> list[psutil.Process]:
    """Kills a run as soon as it is where `when` says; the processes that it had started."""
    watched = psutil.Process(process.pid)
    while process.poll() is None and not when(out, watched):
        time.sleep(0.02)
    children = watched.children(recursive=True)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return children


@pytest.mark.parametrize("when", [in_the_mapping, in_the_fit])
def test_a_killed_run_resumes_from_elsewhere_to_the_same_bytes(
    whole: Left, photos: Path, tmp_path: Path, results, when
) -> None:
    register, temporary = when is in_the_mapping, tmp_path / "temporary"
    temporary.mkdir()
    words = command(
        "multi-img", f"input={photos.name}", "stage=outpaint", "export=[ply]", *QUICK, f"out={tmp_path / 'out'}"
    )
    quiet = {"cwd": photos.parent, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    quiet["env"] = {**os.environ, "TMPDIR": str(temporary)}
    children = kill(subprocess.Popen([*words, "checkpoint_seconds=0"], **quiet), when, tmp_path / "out")
    assert bool(children) == register
    assert psutil.wait_procs(children, timeout=10)[1] == [], "no child outlives the run"
    assert not list(temporary.iterdir()), "all that it worked on is in its own folder"
    killed = only(tmp_path / "out")
    assert not RunFolder(killed, STAGES).finished("register" if register else "initialize")
    matched = written(killed.glob("02_register.work/sfm/done/match-*"))
    assert bool(matched) == register
    assert resume(killed, cwd=tmp_path).folder == killed
    assert not list(killed.glob("*.work")), "it is a part of the finished stage"
    assert matched.items() <= written(killed.glob("02_register/sfm/done/*")).items(), "what was finished is used"
    same = {name: data for name, data in results(whole.folder).items() if name[:2] <= "04"}
    assert {name: data for name, data in results(killed).items() if name in same} == same
    assert not list(killed.rglob(".*")), "no drafts are left"


def written(files: Iterable[Path]) -> dict[str, int]:
    """When each file was written, by its name."""
    return {file.name: file.stat().st_mtime_ns for file in files}


def test_what_colmap_worked_on_is_a_part_of_the_stage(whole: Left) -> None:
    sfm = whole.folder / "02_register" / "sfm"
    assert sorted(path.name for path in sfm.iterdir()) == ["database.db", "done", "model"]
    assert len(read_images(sfm / "model")) == len(ANGLES_DEG)
    with closing(sqlite3.connect(sfm / "database.db")) as database:
        assert database.execute("select count(*) from images").fetchone() == (len(ANGLES_DEG),)


def test_a_changed_knob_of_refine_reruns_refine_alone(whole: Left, tmp_path: Path, results) -> None:
    moved = shutil.copytree(whole.folder, tmp_path / "out" / "moved" / "run")
    assert resume(moved, "stages.refine.steps=2").folder == moved
    for name in STAGES:
        old, new = (RunFolder(folder, STAGES).stage(name) / "done.json" for folder in (whole.folder, moved))
        assert (old.stat().st_mtime_ns == new.stat().st_mtime_ns) == (name != "refine"), name
    assert results(moved) != results(whole.folder)


def test_auto_registers_and_exports_cameras_and_points(registered, whole: Left, photos: Path, results) -> None:
    assert registered.printed.startswith(f"7 pictures in {photos.name}: vistadream multi-img\n")
    folder = registered.folder
    assert sorted(path.name for path in folder.glob("0*")) == ["01_load", "02_register"]
    assert results(folder).items() <= results(whole.folder).items()
    assert (folder / "export" / "points.glb").read_bytes()[:4] == b"glTF"
    model = folder / "export" / "colmap" / "sparse" / "0"
    assert len(read_images(model)) == len(ANGLES_DEG)
    assert len(read_points(model).xyz) == registration(folder)["points"] > 300


def test_the_cameras_of_one_run_are_the_input_of_another(registered, photos: Path, tmp_path: Path) -> None:
    given = registered.folder / "export" / "nerfstudio"
    again = multi_image(given, stage="register", overrides=["rerun.mode=off", "export=[ply]", f"out={tmp_path}"])
    before = registered.scene("register").photos
    assert registration(again.folder)["poses"] != registration(registered.folder)["poses"]
    ratio = float(again.scene.photos[-1].camera.center.norm() / before[-1].camera.center.norm())
    for old, new in zip(before, again.scene.photos, strict=True):
        torch.testing.assert_close(new.camera.K, old.camera.K)
        torch.testing.assert_close(new.camera.cam_from_world[:3, :3], old.camera.cam_from_world[:3, :3])
        torch.testing.assert_close(new.camera.center, ratio * old.camera.center, atol=1e-4, rtol=1e-4)


def test_an_expansion_paints_a_border_around_the_first_photo(whole: Left, tmp_path: Path) -> None:
    moved = shutil.copytree(whole.folder, tmp_path / "out" / "moved" / "run")
    scene = resume(moved, "stage=outpaint", "expansion=0.2", "stages.initialize.steps=2", "export=[ply]").scene(
        "initialize"
    )
    photo, canvas = scene.anchor, scene.canvas_of(scene.anchor)
    assert (canvas.camera.width, canvas.camera.height) == (154, 116)
    inside = ~canvas.generated
    assert torch.equal(canvas.rgb[inside].reshape(photo.rgb.shape), photo.rgb)
    assert float((canvas.depth[canvas.generated] > 0).float().mean()) > 0.9
    assert len(scene.photos) == len(ANGLES_DEG)
