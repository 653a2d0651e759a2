"""The main job, small but whole: artefacts, fidelity, reproducibility, resuming after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import pytest
import torch
from safetensors.torch import load_file

from vistadream import single_image
from vistadream.config import compose, configured
from vistadream.core import Scene, SparsePoints
from vistadream.exporters.fastgs import FOLDER
from vistadream.exporters.feature_pictures import FOLDER as FEATURES
from vistadream.exporters.file_names import GAUSSIAN_FORMATS, VIDEO_FORMATS, VIDEO_PICTURES, gaussians_file, video_file
from vistadream.exporters.obj import SURFACE
from vistadream.formats.fastgs_dataset import dataset_files
from vistadream.formats.ply import read_ply
from vistadream.observers.rerun.recording import FILE as RECORDING
from vistadream.ops.evaluation.metrics import psnr
from vistadream.runs.folder import RunFolder
from vistadream.session import Run

RENDERER = configured("backends/render=cpu")

SMALL = (
    "max_resolution=96",
    "stages.initialize.steps=40",
    "stages.coarse.n_frames=3",
    "stages.coarse.steps=3",
    "stages.coarse.candidates.margin_px=4",
    "stages.refine.steps=6",
    "export.video_frames=5",
)

TINY = ("max_resolution=48", "stages.initialize.steps=2", "stages.coarse.n_frames=1", "stages.refine.steps=50")
TINY += ("export.videos=[]",)
"""For runs that are killed and resumed: what is compared is bytes."""


def small_run(out: Path, *words: str, stage: str = "fine", image: Path | None = None) -> Run:
    return single_image(image, stage=stage, overrides=[*SMALL, "rerun.mode=off", f"out={out}", *words])


def command(out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "vistadream", "single-img", *SMALL, "rerun.mode=off", f"out={out}", *words]


def only(out: Path) -> Path:
    """The one run folder below `out`."""
    (folder,) = out.glob("*/*")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return small_run(tmp_path_factory.mktemp("whole"), "rerun.mode=save")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny run that nothing stopped."""
    return small_run(tmp_path_factory.mktemp("unbroken"), *TINY).folder


def test_the_sample_becomes_a_scene_with_everything_a_run_leaves(whole: Run) -> None:
    folder = RunFolder(whole.folder)
    for name in STAGES:
        assert folder.finished(name), name
    ply, video = (whole.folder / "export" / name for name in ("gaussians.ply", "scene.mp4"))
    others = [whole.folder / name for name in ("metrics.json", "report.html", "results.json")]
    for path in (folder.config, folder.run_json, folder.log, ply, video, *others):
        assert path.stat().st_size > 0, path
    assert (whole.folder / "run.rrd").stat().st_size > 10_000
    assert len(read_ply(ply)) == len(whole.scene.gaussians) == whole.metrics["gaussians"]
    assert imageio_ffmpeg.count_frames_and_secs(str(video))[0] == 5


STAGES = compose([]).order


def test_every_file_that_a_run_leaves_is_documented_and_the_other_way_round(whole: Run, assert_as_documented) -> None:
    assert_as_documented(whole.folder, promises=("always", "`stage="))


DATA = ("npz", "mini_npz", "depth_vis", "point_cloud", "obj", "colmap", "nerfstudio")
"""Results with the photos and what is known about them."""


def data_files(scene: Scene, folder: Path) -> list[str]:
    """The files of the results in DATA, of a scene in meters whose photo has a mask."""
    masked = replace(scene.anchor, supervise=torch.zeros_like(scene.anchor.supervise))
    scenes = [scene, replace(scene.with_views(masked), is_metric=True, points=SparsePoints.empty())]
    for words, one in zip(([], ["export.colmap.format=txt"]), scenes, strict=True):
        for name, exporter in compose([f"export=[{','.join(DATA)}]", *words]).build("export").items():
            if one is scene or name in ("colmap", "nerfstudio"):
                exporter(one, folder / str(len(words)), None)
    return [path.relative_to(folder).as_posix()[2:] for path in folder.rglob("*") if path.is_file()]


def test_every_file_that_can_be_asked_for_is_documented_and_the_other_way_round(
    whole: Run, tmp_path: Path, documented, fits
) -> None:
    names = [gaussians_file(form) for form in GAUSSIAN_FORMATS]
    names += [video_file(picture, form) for picture in VIDEO_PICTURES for form in VIDEO_FORMATS]
    names += [f"{FOLDER}/{file}" for file in (*dataset_files(1), "meta.json")]
    names += [f"{FEATURES}/{photo.name}.jpg" for photo in whole.scene.photos]
    names += [*data_files(whole.scene, tmp_path), SURFACE, RECORDING]
    paths = [f"export/{name}" for name in names]
    rows = [(glob, when) for glob, when in documented if glob.startswith("export/")]
    for path in paths:
        assert [glob for glob, _ in rows if fits(path, glob)], path
    for glob, when in rows:
        assert any(fits(path, glob) for path in paths), glob
        assert when.startswith("`export"), when


def test_the_photo_is_rendered_faithfully_after_every_stage(whole: Run) -> None:
    folder = RunFolder(whole.folder)
    for name in STAGES[2:]:
        scene = folder.load_stage(name)
        photo = scene.view("input")
        with torch.no_grad():
            seen = RENDERER(scene.gaussians, [photo.camera], want=("rgb",))[0].rgb
        assert psnr(seen, photo.rgb) > 28, name


def test_the_flight_has_no_holes(whole: Run) -> None:
    assert whole.metrics["path_hole_ratio"]["largest"] < 0.01


def test_run_json_tells_what_was_done_and_why(whole: Run) -> None:
    facts = json.loads((whole.folder / "run.json").read_text())
    assert facts["status"] == "finished"
    assert facts["seed"] == 0
    assert facts["backends"]["depth"]["name"] == "embedded"
    assert all(choice["why"] for choice in facts["backends"].values())
    for name in STAGES:
        assert facts["stages"][name]["seconds"] > 0
        assert facts["stages"][name]["peak_bytes"] > 50e6
    assert facts["versions"]["torch"].startswith("2.")


def test_the_coarse_summary_is_kept_as_json(whole: Run) -> None:
    summary = json.loads((RunFolder(whole.folder).seen("coarse") / "coarse_summary.json").read_text())
    added = [view for view in whole.scene.views if view.name.startswith("coarse")]
    assert len(summary["frames"]) == len(added)
    lifting = compose([]).build("stages.coarse.lifting")
    assert [row["gaussians_added"] for row in summary["frames"]] == [len(lifting(view)) for view in added]


def test_no_gaussian_is_broken(whole: Run) -> None:
    for name, tensor in whole.scene.gaussians.tensors():
        assert bool(torch.isfinite(tensor).all()), name
    assert bool((whole.scene.gaussians.scales > 0).all())


def test_the_same_seed_gives_the_same_bytes(whole: Run, tmp_path: Path, results) -> None:
    again = small_run(tmp_path, "backends.render.threads=3")
    assert results(again.folder) == results(whole.folder)


def test_a_run_killed_at_any_stage_resumes_to_the_same_bytes(unbroken: Path, tmp_path: Path, results) -> None:
    process = subprocess.Popen(command(tmp_path, *TINY), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("*/*/03_initialize/done.json")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = only(tmp_path)
    resumed = single_image(stage="fine", overrides=[f"resume={killed}"])
    assert resumed.folder == killed
    assert results(killed) == results(unbroken)
    assert not list(killed.rglob(".*")), "no drafts are left"


def steps_kept(checkpoint: Path) -> int:
    """How many steps of a fit a checkpoint spares; 0 where there is none."""
    return len(load_file(checkpoint)["fit.losses"]) if checkpoint.exists() else 0


def test_a_run_killed_inside_refine_goes_on_from_its_checkpoint_to_the_same_bytes(
    unbroken: Path, tmp_path: Path, results
) -> None:
    words = command(tmp_path / "killed", *TINY, "checkpoint_seconds=0")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (found := list(tmp_path.glob("killed/*/*/05_refine.checkpoint.*"))) and process.poll() is None:
        time.sleep(0.02)
    while steps_kept(found[0]) < 20 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert steps_kept(found[0]) >= 20
    killed = single_image(stage="fine", overrides=[f"resume={only(tmp_path / 'killed')}"]).folder
    assert "refine continues from its checkpoint" in (killed / "run.log").read_text()
    assert results(killed) == results(unbroken)
    curves = [json.loads((f / "05_refine/seen/seen.json").read_text())["curves"] for f in (killed, unbroken)]
    assert curves[0]["refine/loss"] == curves[1]["refine/loss"]
    assert not found[0].exists(), "it goes when the stage is done"


def test_a_changed_knob_reruns_only_what_depends_on_it(tmp_path: Path) -> None:
    first = small_run(tmp_path, *TINY, "stages.coarse.n_frames=3", stage="coarse")
    kept = {p: p.stat().st_mtime_ns for p in first.folder.glob("0[123]*/gaussians.ply")}
    coarse = (first.folder / "04_coarse" / "done.json").read_text()
    again = single_image(stage="coarse", overrides=[f"resume={first.folder}", "stages.coarse.n_frames=1"])
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert (first.folder / "04_coarse" / "done.json").read_text() != coarse
    assert len([v for v in again.scene.views if v.name.startswith("coarse")]) <= 1


def test_another_seed_gives_another_border(whole: Run, tmp_path: Path) -> None:
    other = small_run(tmp_path, "seed=1", "stages.initialize.steps=1", "export=[]", stage="outpaint")
    a, b = whole.scene.view("outpaint").rgb, other.scene.view("outpaint").rgb
    ring = whole.scene.view("outpaint").generated
    assert not torch.equal(a[ring], b[ring])
    assert torch.equal(a[~ring], b[~ring])


def test_a_photo_with_an_awkward_name(tmp_path: Path, test_data: Path) -> None:
    photo = tmp_path / "office (1), a=b #é.jpg"
    photo.write_bytes((test_data / "photos" / "office.jpg").read_bytes())
    made = small_run(tmp_path / "out", stage="fine", image=photo)
    assert made.metrics["input_psnr_db"] > 28
    assert made.metrics["path_hole_ratio"]["largest"] < 0.01


def test_terminating_a_run_ends_it_cleanly(tmp_path: Path) -> None:
    words = [w for w in command(tmp_path) if w != "rerun.mode=off"]
    process = subprocess.Popen(
        [*words, "rerun.mode=save"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not list(tmp_path.glob("*/*/02_outpaint/done.json")) and process.poll() is None:
        time.sleep(0.02)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in errors
    assert json.loads((only(tmp_path) / "run.json").read_text())["status"] == "interrupted"
    verify = subprocess.run(
        [Path(sys.executable).parent / "rerun", "rrd", "verify", only(tmp_path) / "run.rrd"],
        capture_output=True,
        env=os.environ | {"RERUN": "on"},
    )
    assert verify.returncode == 0, verify.stderr
