"""A front end of one's own: it watches a run, cancels it, resumes it, and reads what happened from its events."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import vistadream
from vistadream.core import Cancelled, DepthPrediction, UserError
from vistadream.runs.folder import RunFolder

KNOBS = {
    "max_resolution": 64,
    "stages.initialize.steps": 6,
    "rerun.mode": "off",
    "export.videos": [],
    "export.report": False,
}


@dataclass(frozen=True)
class Wall:
    """A depth model: all is at one distance."""

    z: float

    def __call__(self, views):
        return [self.predict(view.camera) for view in views]

    def predict(self, camera):
        z = torch.full((camera.height, camera.width), self.z)
        return DepthPrediction(z, valid=z > 0, camera=camera, is_metric=True)


class FrontEnd:
    """What a page or a window would be: it shows the progress, and has a button that stops the run."""

    def __init__(self, stop_at: str | None = None):
        self.stop_at, self.stopped, self.shown = stop_at, False, []

    def __call__(self, name, value, step=None):
        self.shown.append((name, step))
        self.stopped |= name == self.stop_at and step in (None, 3)

    def run(self, **job) -> Path:
        try:
            made = vistadream.run(vistadream.job(stage="no-outpaint", knobs=KNOBS, **job), [self], lambda: self.stopped)
            return made.folder
        except Cancelled as cancelled:
            return cancelled.folder


def read_events(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def status(folder: Path) -> str:
    return json.loads((folder / "run.json").read_text())["status"]


def test_a_front_end_watches_cancels_resumes_and_reads(tmp_path: Path) -> None:
    whole = FrontEnd().run(out=tmp_path / "whole")
    front_end = FrontEnd(stop_at="initialize/loss")
    folder = front_end.run(out=tmp_path / "cut")
    assert front_end.shown[-2:] == [("initialize/loss", 3), ("run/ended", None)], "it ends at once"
    assert status(folder) == "interrupted"
    assert RunFolder(folder).finished_stages() == ("load",)

    assert FrontEnd().run(resume=folder) == folder
    assert status(folder) == "finished"
    assert len({(run / "export" / "gaussians.ply").read_bytes() for run in (folder, whole)}) == 1

    events = read_events(folder)
    ends = [event["value"]["status"] for event in events if event["kind"] == "run_ended"]
    assert ends == ["interrupted", "finished"]
    assert [e["step"] for e in events if e["name"] == "initialize/loss"] == [*range(4), *range(6)]
    resumed = [e["value"]["stage"] for e in events if e["kind"] == "stage_finished" and e["value"]["resumed"]]
    assert resumed == ["load"]
    pictures = {
        path for e in events if isinstance(e["value"], dict) for path in e["value"].get("pictures", {}).values()
    }
    assert "live/load.input.rgb.jpg" in pictures
    assert all((folder / path).stat().st_size > 0 for path in pictures)


@pytest.mark.parametrize("stop_at", [None, "initialize/loss"])
def test_the_scene_is_there_before_its_fit_and_run_json_says_when(stop_at: str | None, tmp_path: Path) -> None:
    looks = []

    def show(name, value, step=None):
        if name == "initialize/look":
            looks.append(next(tmp_path.glob("*/*/export/gaussians.ply")).read_bytes())

    with suppress(Cancelled):
        job = vistadream.job(stage="no-outpaint", knobs=KNOBS, out=tmp_path)
        vistadream.run(job, [front_end := FrontEnd(stop_at), show], lambda: front_end.stopped)
    folder = next(tmp_path.glob("*/*"))
    milestones_s = json.loads((folder / "run.json").read_text())["milestones_s"]
    assert list(milestones_s) == ["load", "first_look", *([] if stop_at else ["initialize", "end"])]
    assert list(milestones_s.values()) == sorted(milestones_s.values())
    assert (folder / "export" / "gaussians.ply").read_bytes() == looks[-1]
    assert stop_at or looks[-1] == (RunFolder(folder).stage("initialize") / "gaussians.ply").read_bytes() != looks[0]


@pytest.mark.parametrize("moment", ["load/started", "load/finished", "export/done"])
def test_a_run_is_cancelled_between_stages_too(moment: str, tmp_path: Path) -> None:
    folder = FrontEnd(stop_at=moment).run(out=tmp_path)
    assert status(folder) == "interrupted"
    assert not (folder / "run.lock").exists()


def test_a_cancelled_run_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(Cancelled) as cancelled:
        vistadream.run(vistadream.job(out=tmp_path, knobs=KNOBS), cancelled=lambda: True)
    assert str(cancelled.value.folder) in cancelled.value.__notes__[0]


def test_an_observer_that_fails_does_not_end_the_run(tmp_path: Path) -> None:
    def broken(name, value, step=None):
        raise RuntimeError("the page is closed")

    made = vistadream.run(vistadream.job(stage="no-outpaint", out=tmp_path, knobs=KNOBS), [broken])
    assert status(made.folder) == "finished"
    assert "the page is closed" in RunFolder(made.folder).log.read_text()


def test_a_run_within_a_run_keeps_its_own_log(tmp_path: Path) -> None:
    inner = []

    def starts_another(name, value, step=None):
        if name == "load/finished":
            inner.append(FrontEnd().run(out=tmp_path / "inner"))

    outer = vistadream.run(vistadream.job(stage="no-outpaint", out=tmp_path, knobs=KNOBS), [starts_another]).folder
    for own, other in ((outer, inner[0]), (inner[0], outer)):
        log = RunFolder(own).log.read_text()
        assert log.count("initialize: done in") == 1
        assert f"run folder: {own}" in log
        assert str(other) not in log


def test_an_object_stands_in_the_place_of_a_backend(tmp_path: Path) -> None:
    folder = FrontEnd().run(out=tmp_path, depth=Wall(2.0))
    assert RunFolder(folder).load_stage("initialize").anchor.z.median() == pytest.approx(2.0)
    facts = json.loads((folder / "run.json").read_text())
    assert facts["objects"] == ["depth"]
    assert facts["backends"]["depth"]["name"] == "Wall"
    assert "Wall(z=2.0)" in (folder / "config.yaml").read_text()
    with pytest.raises(UserError, match=r"object of a Python program for depth; .*[.]job\(resume=..., depth=...\)"):
        vistadream.job(resume=folder)
    vistadream.job(resume=folder, overrides=["backends/depth=embedded"])
    same, other = FrontEnd(), FrontEnd()
    same.run(resume=folder, depth=Wall(2.0))
    assert ("initialize/started", None) not in same.shown
    other.run(resume=folder, depth=Wall(3.0))
    assert ("initialize/started", None) in other.shown


@pytest.mark.parametrize("knobs", [{"seed": object()}, {"sead": 3}, {"a b": 1}, {"seed": "three"}])
def test_a_knob_that_cannot_be_is_one_sentence(knobs: dict, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"wanted|did you mean seed"):
        vistadream.job(out=tmp_path, knobs=knobs)
