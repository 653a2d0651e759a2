"""Refining outside a run: better pictures, provenance, nothing overwritten."""

import json
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


def test_bad_input_is_one_sentence(stage_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.ply").write_text("no ply")
    for words in (
        ["--dataset-dir", tmp_path],
        ["--dataset-dir", stage_folder, "--init-gaussians", tmp_path / "bad.ply"],
        ["--dataset-dir", stage_folder, "stages.refine.step=3"],
    ):
        done = call(*words, "--result-dir", tmp_path / "new")
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "new").exists()
