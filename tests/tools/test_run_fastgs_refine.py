"""Refining outside a run: better pictures, provenance, nothing overwritten, and a kill that costs nothing."""

import importlib.util
import json
import logging
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plyfile
import pytest
import torch
from numpy.lib import recfunctions
from safetensors import safe_open
from safetensors.torch import load_file

from vistadream import single_image
from vistadream.formats.files import sha256_of
from vistadream.formats.ply import read_ply, write_ply
from vistadream.runs.folder import RunFolder

TOOL = Path(__file__).parents[2] / "tools" / "run_fastgs_refine.py"
RECORDS = {"run.json", "config.yaml", "run.log", "events.jsonl", "live"}
QUICK = ("rerun.mode=off", "stages.refine.steps=20")
Call = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("run_fastgs_refine", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def call(tool, capsys: pytest.CaptureFixture) -> Call:
    """Runs the tool in this process; returns the exit code and what went to stderr."""

    def run(*words: object) -> tuple[int, str]:
        logging.getLogger("vistadream").setLevel(logging.NOTSET)  # other tests may have set it
        code = tool.main([*map(str, words)])
        return code, capsys.readouterr().err

    return run


@pytest.fixture(scope="module")
def stage_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    words = ["max_resolution=64", "stages.initialize.steps=2", "rerun.mode=off", "export.videos=[]"]
    words += ["export.fastgs=true"]
    return single_image(stage="no-outpaint", overrides=[*words, f"out={out}"]).folder / "03_initialize"


@pytest.fixture(scope="module")
def dataset(stage_folder: Path) -> Path:
    return stage_folder.parent / "export" / "fastgs"


def read_meta(result: Path) -> dict:
    return json.loads((result / "refine_meta.json").read_text(), parse_constant=pytest.fail)


def test_it_refines_the_views_of_a_stage_and_tells_how(stage_folder: Path, tmp_path: Path, call: Call) -> None:
    result = tmp_path / "refined"
    code, said = call("--dataset-dir", stage_folder, "--result-dir", result, *QUICK, "seed=3")
    assert code == 0, said
    results = {path.name for path in result.iterdir()} - RECORDS
    assert results == {"gaussians_refined.ply", "refine_meta.json", "refine_plots.svg"}
    meta = read_meta(result)
    before, after = (meta["views"]["input"][when] for when in ("before", "after"))
    assert after["psnr_db"] > before["psnr_db"]
    assert set(before) == {"psnr_db", "ssim", "scale", "shift", "valid_pixels", "skipped"} | {
        "depth_abs_rel",
        "depth_rmse",
        "delta1",
        "normal_mean_deg",
        "normal_median_deg",
    }
    assert meta["mean"]["after"]["psnr_db"] == after["psnr_db"], "the mean of one view"
    assert meta["gaussians"]["after"] == len(read_ply(result / "gaussians_refined.ply"))
    assert meta["configuration"]["steps"] == 20
    assert (meta["seed"], meta["renderer"], meta["overrides"]) == (3, "cpu", [*QUICK, "seed=3"])
    assert meta["inputs"]["init_gaussians"]["sha256"] == sha256_of(stage_folder / "gaussians.ply")
    assert [step for step, _ in meta["loss"]] == list(range(20))
    assert 0 < meta["shape"]["after"]["median"] <= 1
    assert min(meta["seconds"], meta["peak_bytes"]) > 0
    assert {"vistadream", "git_revision", "python", "platform", "versions", "gpu"} <= set(meta)
    titles = [text.text for text in ET.parse(result / "refine_plots.svg").getroot().findall("{*}text")]
    assert titles[0] == "loss"
    assert len(titles) == 5


def test_it_refines_the_views_of_a_dataset_from_a_ply(dataset: Path, tmp_path: Path, call: Call) -> None:
    """Also where another program's PLY brings harmonics along."""
    start = read_ply(dataset.parent / "gaussians.ply")
    harmonics = np.zeros((len(start), 4, 3), np.float32)
    harmonics[:, 0] = (start.colors.numpy() - 0.5) / 0.28209479177387814
    shaded = write_ply(
        type(start)(**dict(start.tensors()) | {"colors": torch.from_numpy(harmonics)}), tmp_path / "s.ply"
    )
    for ply in (dataset.parent / "gaussians.ply", shaded):
        result = tmp_path / f"from {ply.stem}"
        code, said = call("--dataset-dir", dataset, "--init-gaussians", ply, "--result-dir", result, *QUICK)
        assert code == 0, said
        view = read_meta(result)["views"]["input"]
        assert view["after"]["psnr_db"] > view["before"]["psnr_db"]
        assert read_ply(result / "gaussians_refined.ply").colors.shape[1:] == read_ply(ply).colors.shape[1:]


def test_a_faulty_dataset_is_refused_with_all_faults(stage_folder: Path, dataset: Path, tmp_path: Path, call) -> None:
    faulty = shutil.copytree(dataset, tmp_path / "faulty")
    (faulty / "masks" / "000000.png").unlink()
    (faulty / "sparse" / "0" / "images.txt").write_text("")
    words = ["--dataset-dir", faulty, "--init-gaussians", stage_folder / "gaussians.ply"]
    code, said = call(*words, "--result-dir", tmp_path / "n")
    assert code == 2
    assert "masks/000000.png: is missing" in said
    assert "sparse/0/images.txt" in said


def spoilt(stage_folder: Path, path: Path, how: Callable[[np.ndarray], np.ndarray]) -> Path:
    """The stage's PLY with its rows changed."""
    rows = how(plyfile.PlyData.read(str(stage_folder / "gaussians.ply"))["vertex"].data.copy())
    plyfile.PlyData([plyfile.PlyElement.describe(rows, "vertex")], byte_order="<").write(str(path))
    return path


def without(name: str) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: recfunctions.drop_fields(rows, name, usemask=False)


def with_harmonics(count: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: recfunctions.append_fields(
        rows, [f"f_rest_{i}" for i in range(count)], [np.zeros(len(rows), "<f4")] * count, usemask=False
    )


def not_finite(rows: np.ndarray) -> np.ndarray:
    rows["scale_1"][5] = np.nan
    return rows


BAD_PLYS = [
    (without("rot_2"), "lacks the properties rot_2"),
    (not_finite, "scales is not a finite number in 1 of"),
    (lambda rows: rows[:0], "holds no Gaussians"),
    (with_harmonics(10), "has 10 f_rest properties"),
]


@pytest.mark.parametrize(("how", "says"), BAD_PLYS, ids=[says for _, says in BAD_PLYS])
def test_a_malformed_ply_is_one_sentence(how, says: str, stage_folder: Path, tmp_path: Path, call: Call) -> None:
    bad = spoilt(stage_folder, tmp_path / "bad.ply", how)
    code, said = call("--dataset-dir", stage_folder, "--init-gaussians", bad, "--result-dir", tmp_path / "n", *QUICK)
    assert code == 2
    assert says in said
    assert str(bad) in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "n").exists()


def test_other_bad_input_is_one_sentence(stage_folder: Path, dataset: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "no.ply").write_text("no ply")
    (tmp_path / "cut.ply").write_bytes((stage_folder / "gaussians.ply").read_bytes()[:-100])
    for words in (
        ["--dataset-dir", tmp_path],
        ["--dataset-dir", stage_folder, "--init-gaussians", tmp_path / "no.ply"],
        ["--dataset-dir", stage_folder, "--init-gaussians", tmp_path / "cut.ply"],
        ["--dataset-dir", stage_folder, "stages.refine.step=3"],
        ["--dataset-dir", stage_folder, "checkpoint_seconds=-1"],
        ["--dataset-dir", stage_folder, "+stages.refine.thickness_weight=1"],
        ["--dataset-dir", dataset],
    ):
        code, said = call(*words, "--result-dir", tmp_path / "new")
        assert code == 2
        assert len(said.strip().splitlines()) == 1
        assert not (tmp_path / "new").exists()


def spoilt_stage(stage_folder: Path, path: Path, spoil: Callable[[Path], object]) -> Path:
    shutil.copytree(stage_folder, path)
    spoil(path)
    return path


def test_a_damaged_stage_and_a_place_that_cannot_be_are_one_sentence(stage_folder: Path, tmp_path: Path, call) -> None:
    (tmp_path / "file").touch()
    lost = spoilt_stage(stage_folder, tmp_path / "lost", lambda folder: (folder / "views/input.rgb.png").unlink())
    cut = spoilt_stage(stage_folder, tmp_path / "cut", lambda folder: (folder / "scene.json").write_text("{"))
    for folder, result, says in (
        (lost, "new", "lost is damaged"),
        (cut, "new", "cut is damaged"),
        (stage_folder, "file/below", "lies below a file"),
        (stage_folder, "b" * 300, "is too long for a path"),
        (tmp_path / ("b" * 300), "new", "is too long for a path"),
    ):
        code, said = call("--dataset-dir", folder, "--result-dir", tmp_path / result, *QUICK)
        assert (code, says in said, said.count("\n")) == (2, True, 1), said
        assert not (tmp_path / "new").exists()


def test_help_names_every_word(call: Call, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        call("--help")
    said = capsys.readouterr().out
    assert all(word in said for word in ("--dataset-dir", "--init-gaussians", "--result-dir", "KNOB=VALUE"))


def steps_kept(checkpoint: Path) -> int:
    return len(load_file(checkpoint)["fit.losses"]) if checkpoint.exists() else 0


def test_a_killed_refinement_goes_on_to_the_same_result(dataset: Path, tmp_path: Path, call: Call) -> None:
    inputs = ["--dataset-dir", dataset, "--init-gaussians", dataset.parent / "gaussians.ply"]
    knobs = ["rerun.mode=off", "stages.refine.steps=60", "checkpoint_seconds=0"]

    def refined(name: str, *more: str) -> tuple[int, str]:
        return call(*inputs, "--result-dir", tmp_path / name, *knobs, *more)

    assert refined("unbroken")[0] == 0
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    command = [sys.executable, TOOL, *inputs, "--result-dir", killed, *knobs]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    while steps_kept(killed / "checkpoint.safetensors") < 20 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    left = {path.name for path in killed.iterdir() if path.name[0] != "."} - RECORDS
    assert left == {"checkpoint.safetensors", "run.lock"}
    with safe_open(killed / "checkpoint.safetensors", "pt") as file:
        carried_s = float(file.metadata()["seconds"])

    (killed / "mine.txt").write_text("keep me")
    code, said = refined("killed")
    assert (code, "holds mine.txt" in said) == (2, True)
    (killed / "mine.txt").unlink()
    code, said = refined("killed", "seed=9")
    assert (code, "checkpoint of another refinement" in said) == (2, True)

    assert refined("killed")[0] == 0
    files = [(folder / "gaussians_refined.ply").read_bytes() for folder in (killed, unbroken)]
    assert files[0] == files[1]
    metas = [read_meta(folder) for folder in (killed, unbroken)]
    assert metas[0]["views"] == metas[1]["views"]
    assert metas[0]["loss"] == metas[1]["loss"]
    assert metas[0]["seconds"] > carried_s > 0, "of both sessions"
    assert not (killed / "checkpoint.safetensors").exists()
    code, said = refined("killed")
    assert (code, "exists already" in said) == (2, True)


def test_a_broken_checkpoint_is_reported_and_left_aside(stage_folder: Path, tmp_path: Path, call, caplog) -> None:
    result = tmp_path / "r"
    result.mkdir()
    (result / "checkpoint.safetensors").write_bytes(b"\0" * 40)
    words = ["--dataset-dir", stage_folder, "--result-dir", result, "rerun.mode=off", "stages.refine.steps=4"]
    assert call(*words)[0] == 0
    told = [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]
    assert len(told) == 1
    assert re.search(r"checkpoint\.safetensors cannot be read .*refine starts from its first step", told[0])
    assert len(read_meta(result)["loss"]) == 4


def test_it_can_be_watched_and_no_recording_is_written_over(stage_folder: Path, tmp_path: Path, call, caplog) -> None:
    result = tmp_path / "r"
    words = ["--dataset-dir", stage_folder, "--result-dir", result, "stages.refine.steps=2", "rerun.mode=save"]
    assert call(*words)[0] == 0
    assert any("PSNR" in line for line in caplog.messages)
    assert (result / "run.rrd").stat().st_size > 1000
    assert RunFolder(result).new_recording().name == "run.2.rrd"
