"""Refining outside a run: better pictures, provenance, nothing overwritten."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vistadream import single_image
from vistadream.exporters.ply import read_ply
from vistadream.run_folder import file_digest

TOOL = Path(__file__).parents[2] / "tools" / "run_fastgs_refine.py"


def call(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, TOOL, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def stage_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    words = ["max_resolution=64", "stages.initialize.steps=2", "rerun.mode=off", "export.videos=[]"]
    words += ["export.fastgs=true"]
    return single_image(stage="no-outpaint", overrides=[*words, f"out={out}"]).folder / "03_initialize"


def test_it_refines_the_views_of_a_stage(stage_folder: Path, tmp_path: Path) -> None:
    result = tmp_path / "refined"
    done = call("--dataset-dir", stage_folder, "--result-dir", result, "stages.refine.steps=20")
    assert done.returncode == 0, done.stderr
    meta = json.loads((result / "refine_meta.json").read_text())
    before, after = meta["views"]["input"]["psnr_db"]
    assert after > before
    assert len(read_ply(result / "gaussians_refined.ply")) == meta["gaussians"]
    assert meta["knobs"]["steps"] == 20
    assert meta["init_gaussians"]["sha256"] == file_digest(stage_folder / "gaussians.ply")
    again = call("--dataset-dir", stage_folder, "--result-dir", result)
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_it_refines_the_views_of_a_dataset_from_a_ply(stage_folder: Path, tmp_path: Path) -> None:
    run, result = stage_folder.parent, tmp_path / "refined"
    words = ["--dataset-dir", run / "export" / "fastgs", "--init-gaussians", run / "export" / "gaussians.ply"]
    done = call(*words, "--result-dir", result, "stages.refine.steps=20")
    assert done.returncode == 0, done.stderr
    before, after = json.loads((result / "refine_meta.json").read_text())["views"]["input"]["psnr_db"]
    assert after > before


def test_a_faulty_dataset_is_refused_with_all_faults(stage_folder: Path, tmp_path: Path) -> None:
    faulty = shutil.copytree(stage_folder.parent / "export" / "fastgs", tmp_path / "faulty")
    (faulty / "masks" / "000000.png").unlink()
    (faulty / "sparse" / "0" / "images.txt").write_text("")
    done = call(
        "--dataset-dir", faulty, "--init-gaussians", stage_folder / "gaussians.ply", "--result-dir", tmp_path / "n"
    )
    assert done.returncode == 2
    assert "masks/000000.png: is missing" in done.stderr
    assert "sparse/0/images.txt" in done.stderr


def test_bad_input_is_one_sentence(stage_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.ply").write_text("no ply")
    for words in (
        ["--dataset-dir", tmp_path],
        ["--dataset-dir", stage_folder, "--init-gaussians", tmp_path / "bad.ply"],
        ["--dataset-dir", stage_folder, "stages.refine.step=3"],
        ["--dataset-dir", stage_folder.parent / "export" / "fastgs"],
    ):
        done = call(*words, "--result-dir", tmp_path / "new")
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "new").exists()
