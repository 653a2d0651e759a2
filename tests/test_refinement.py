"""The job of `vistadream refine` from Python and as a command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import vistadream
from vistadream.commands.main import main
from vistadream.core import Cancelled, UserError
from vistadream.formats.files import sha256_of
from vistadream.formats.json_file import read_json
from vistadream.formats.ply import read_ply
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
    assert seen[-2:] == [("refine/loss", 25), ("run/ended", None)], "it ends at once"
    assert not (tmp_path / "cut" / "gaussians_refined.ply").exists()
    assert read_json(tmp_path / "cut" / "run.json")["status"] == "interrupted"
    refine(Task(stage, tmp_path / "cut", overrides=KNOBS), [watch])
    assert ("refine/checkpoint", None) in seen, "it goes on from there"

    words = ["--dataset-dir", str(stage), "--result-dir", str(tmp_path / "whole")]
    assert main(["refine", *words, *KNOBS]) == 0
    results = [(tmp_path / name / "gaussians_refined.ply").read_bytes() for name in ("cut", "whole")]
    assert results[0] == results[1]
    events = [json.loads(line) for line in (tmp_path / "cut" / "events.jsonl").read_text().splitlines()]
    ends = [event["value"]["status"] for event in events if event["kind"] == "run_ended"]
    assert ends == ["interrupted", "finished"]


def test_the_folder_says_what_was_done(stage: Path, tmp_path: Path) -> None:
    result = tmp_path / "new"
    refine(Task(stage, result, overrides=[*KNOBS, "seed=3"]))
    facts = read_json(result / "run.json")
    assert (facts["status"], facts["command"], facts["seed"]) == ("finished", "refine", 3)
    assert facts["overrides"] == [*KNOBS, "seed=3"]
    assert facts["inputs"][str(stage / "gaussians.ply")] == sha256_of(stage / "gaussians.ply")
    assert facts["stages"]["refine"]["gaussians"] == len(read_ply(result / "gaussians_refined.ply"))
    assert "steps: 40" in (result / "config.yaml").read_text()
    assert "refine: done in" in (result / "run.log").read_text()
    assert not (result / "run.lock").exists()
    with pytest.raises(UserError, match="was written by vistadream refine; wanted the folder of a single-img"):
        vistadream.job(resume=result)


def test_a_second_refinement_does_not_work_in_the_same_folder(stage: Path, tmp_path: Path) -> None:
    said = []

    def meddle(name: str, value: object, step: int | None = None) -> None:
        if (name, step) == ("refine/loss", 5):
            command = [sys.executable, "-m", "vistadream", "refine", "--dataset-dir", stage]
            command += ["--result-dir", tmp_path / "r", *KNOBS]
            said.append(subprocess.run(command, capture_output=True, text=True))

    refine(Task(stage, tmp_path / "r", overrides=KNOBS), [meddle])
    assert said[0].returncode == 2
    assert "is in use by process" in said[0].stderr
    assert (tmp_path / "r" / "gaussians_refined.ply").exists()


UNREAD = ["export=[ply]", "export.fastgs=true", "flight.frames=3", "image=a.png", "out=x", "resume=x"]


@pytest.mark.parametrize("word", UNREAD)
def test_words_that_nothing_reads_are_refused(word: str, stage: Path, tmp_path: Path, capsys) -> None:
    words = ["--dataset-dir", str(stage), "--result-dir", str(tmp_path / "new"), word]
    assert main(["refine", *words]) == 2
    said = capsys.readouterr().err
    assert f"{word} is not read by vistadream refine; wanted" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_knobs_of_other_stages_are_refused(stage: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["--dataset-dir", str(stage), "--result-dir", str(tmp_path / "new"), "stages.coarse.steps=3"]
    assert main(["refine", *words]) == 2
    assert "stages.coarse.steps" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
