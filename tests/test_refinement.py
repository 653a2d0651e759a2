"""The job of `vistadream refine` from Python and as a command."""

from pathlib import Path

import pytest

import vistadream
from vistadream.commands.main import main
from vistadream.core import Cancelled
from vistadream.refinement import Task, refine

KNOBS = ("rerun.mode=off", "stages.refine.steps=40", "checkpoint_seconds=0")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = [
        "max_resolution=64",
        "stages.initialize.steps=1",
        "rerun.mode=off",
        "export.videos=[]",
        "export.report=false",
    ]
    out = tmp_path_factory.mktemp("run")
    return vistadream.single_image(stage="no-outpaint", overrides=[*words, f"out={out}"]).folder / "03_initialize"


def test_a_refinement_is_watched_cancelled_and_goes_on_to_the_same_result(stage: Path, tmp_path: Path) -> None:
    seen = []

    def watch(name, value, step=None):
        seen.append((name, step))

    with pytest.raises(Cancelled):
        refine(Task(stage, tmp_path / "cut", overrides=KNOBS), [watch], lambda: ("refine/loss", 25) in seen)
    assert seen[-1] == ("refine/loss", 25), "it ends at once"
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["checkpoint.safetensors"]
    refine(Task(stage, tmp_path / "cut", overrides=KNOBS), [watch])
    assert ("refine/checkpoint", None) in seen, "it goes on from there"

    words = ["--dataset-dir", str(stage), "--result-dir", str(tmp_path / "whole")]
    assert main(["refine", *words, *KNOBS]) == 0
    results = [(tmp_path / name / "gaussians_refined.ply").read_bytes() for name in ("cut", "whole")]
    assert results[0] == results[1]


def test_knobs_of_other_stages_are_refused(stage: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["--dataset-dir", str(stage), "--result-dir", str(tmp_path / "new"), "stages.coarse.steps=3"]
    assert main(["refine", *words]) == 2
    assert "stages.coarse.steps" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
