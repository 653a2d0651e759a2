"""The run loop: plans, resuming, and which knob reruns which stage."""

from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from vistadream.config import compose
from vistadream.core import (
    Camera,
    Note,
    Scene,
    StageFinished,
    UserError,
    View,
    current_checkpoints,
    current_work_folder,
    silent,
    tell,
)
from vistadream.pipeline import run_stages
from vistadream.runs import checkpoint_file
from vistadream.runs.folder import RunFolder

JOB = compose([])
STAGES = JOB.order
PLANS = {stage: tuple(plan) for stage, plan in JOB.plain("job.plans").items()}


class Count:
    """A stage that adds a View of its own name and counts its runs."""

    def __init__(self, name: str):
        self.name, self.runs = name, 0

    def __call__(self, scene: Scene, observe) -> Scene:
        self.runs += 1
        mask = torch.ones(2, 2, dtype=torch.bool)
        return scene.with_views(
            View(self.name, Camera.from_fov(60, 2, 2), torch.zeros(2, 2, 3), None, mask, mask, mask)
        )


class NoRecord:
    def save(self, stage: str, folder: Path) -> None:
        folder.mkdir()

    def load(self, stage: str, folder: Path) -> None:
        pass


def go(folder: RunFolder, until: str, observe=silent, **changed: int) -> dict[str, int]:
    """Runs the plan with a fingerprint per stage; returns how often each stage ran."""
    stages = {name: Count(name) for name in STAGES}
    prints = {name: {"knob": changed.get(name, 0)} for name in STAGES}
    scene = run_stages({name: stages[name] for name in PLANS[until]}, prints, observe, folder, NoRecord(), 0)
    assert [v.name for v in scene.views] == list(PLANS[until])
    return {name: stage.runs for name, stage in stages.items() if stage.runs}


@pytest.mark.parametrize("until", PLANS)
def test_every_stage_value_runs_its_plan_in_order(tmp_path: Path, until: str) -> None:
    assert list(go(RunFolder(tmp_path, STAGES), until)) == list(PLANS[until])


def test_each_plan_goes_further_than_the_one_before() -> None:
    assert PLANS["fine"] == STAGES
    assert PLANS["coarse"] == STAGES[:4]
    assert PLANS["outpaint"] == STAGES[:3]


def test_a_finished_run_runs_nothing_again(tmp_path: Path) -> None:
    go(RunFolder(tmp_path, STAGES), "fine")
    seen = []
    assert go(RunFolder(tmp_path, STAGES), "fine", observe=lambda name, value, step=None: seen.append(value)) == {}
    assert [v.stage for v in seen if isinstance(v, StageFinished) and v.resumed] == list(STAGES)


def test_going_further_runs_only_what_is_new(tmp_path: Path) -> None:
    go(RunFolder(tmp_path, STAGES), "coarse")
    assert go(RunFolder(tmp_path, STAGES), "fine") == {"refine": 1}


@pytest.mark.parametrize("changed", STAGES)
def test_a_changed_knob_reruns_its_stage_and_those_after(tmp_path: Path, changed: str) -> None:
    go(RunFolder(tmp_path, STAGES), "fine")
    assert list(go(RunFolder(tmp_path, STAGES), "fine", **{changed: 1})) == list(STAGES[STAGES.index(changed) :])


def test_a_fit_that_failed_says_what_to_do(tmp_path: Path) -> None:
    def diverge(scene: Scene, observe) -> Scene:
        raise FloatingPointError("load: loss is nan at step 3")

    words = r"loss is nan at step 3; lower its rates, such as stages.load.fitting.rates.means=0.01, and resume"
    with pytest.raises(UserError, match=words):
        run_stages({"load": diverge}, {"load": {}}, silent, RunFolder(tmp_path, STAGES), NoRecord(), 0)


def test_a_stage_that_raises_leaves_the_earlier_ones_to_resume_from(tmp_path: Path) -> None:
    def broken(scene: Scene, observe) -> Scene:
        raise RuntimeError("power cut")

    stages = {name: Count(name) for name in STAGES} | {"coarse": broken}
    prints = {name: {"knob": 0} for name in STAGES}
    with pytest.raises(RuntimeError):
        run_stages(stages, prints, silent, RunFolder(tmp_path, STAGES), NoRecord(), 0)
    assert list(go(RunFolder(tmp_path, STAGES), "fine")) == ["coarse", "refine"]


class Fits(Count):
    """A stage whose fit stops half way when it is told to, and says whence it goes on."""

    def __init__(self, name: str, stops: bool):
        super().__init__(name)
        self.stops, self.found = stops, None

    def __call__(self, scene: Scene, observe) -> Scene:
        checkpoints = current_checkpoints()
        self.found = checkpoints.load(self.name)
        checkpoints.save(self.name, {"step": torch.tensor(3)})
        if self.stops:
            raise KeyboardInterrupt
        return super().__call__(scene, observe)


@pytest.mark.parametrize(("knob", "found"), [(0, {"step": torch.tensor(3)}), (1, None)])
def test_a_stopped_fit_finds_its_state_unless_a_knob_has_changed(tmp_path: Path, knob: int, found) -> None:
    folder = RunFolder(tmp_path, STAGES)

    def run(refine: Fits, knob: int) -> None:
        stages = {name: Count(name) for name in STAGES} | {"refine": refine}
        prints = {name: {"knob": knob} for name in STAGES}
        run_stages(stages, prints, silent, folder, NoRecord(), 0)

    with pytest.raises(KeyboardInterrupt):
        run(Fits("refine", stops=True), 0)
    assert folder.checkpoint("refine").exists()
    again = Fits("refine", stops=False)
    run(again, knob)
    assert again.found == found
    assert not folder.checkpoint("refine").exists(), "it goes when the stage is done"
    assert current_checkpoints() is None


class Leaves(Fits):
    """A stage that leaves a file in its work folder."""

    def __call__(self, scene: Scene, observe) -> Scene:
        self.work = current_work_folder()
        self.found_file = (self.work / "tool" / "half").exists()
        (self.work / "tool").mkdir(parents=True, exist_ok=True)
        (self.work / "tool" / "half").write_text("done")
        return super().__call__(scene, observe)


def test_what_a_stage_works_on_stays_after_a_stop_and_becomes_a_part_of_the_stage(tmp_path: Path) -> None:
    folder, stopped, whole = RunFolder(tmp_path, STAGES), Leaves("refine", stops=True), Leaves("refine", stops=False)

    def run(refine: Fits) -> None:
        stages = {name: Count(name) for name in STAGES} | {"refine": refine}
        run_stages(stages, {name: {} for name in STAGES}, silent, folder, NoRecord(), 0)

    with pytest.raises(KeyboardInterrupt):
        run(stopped)
    assert stopped.work == folder.work("refine")
    assert stopped.work.exists()
    run(whole)
    assert (stopped.found_file, whole.found_file) == (False, True)
    assert (folder.stage("refine") / "tool" / "half").read_text() == "done"
    assert not folder.work("refine").exists()
    assert current_work_folder() is None


@pytest.mark.parametrize(("knob", "carried_s"), [(0, 40.0), (1, 0.0)])
def test_seconds_of_a_stopped_stage_count_every_session_unless_a_knob_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knob: int, carried_s: float
) -> None:
    now, told, folder = [0.0], [], RunFolder(tmp_path, STAGES)
    monkeypatch.setattr(checkpoint_file, "time", SimpleNamespace(monotonic=lambda: now[0]))

    class Slow(Fits):
        def __call__(self, scene: Scene, observe) -> Scene:
            now[0] += 20
            return super().__call__(scene, observe)

    for stops, knobs in ((True, 0), (True, 0), (False, knob)):
        stages = {name: Count(name) for name in STAGES} | {"refine": Slow("refine", stops)}
        with suppress(KeyboardInterrupt):
            run_stages(
                stages,
                {name: {"knob": knobs} for name in STAGES},
                lambda name, value, step=None: told.append(value),
                folder,
                NoRecord(),
                0,
            )
    seconds = folder.finished("refine")["seconds"]
    assert carried_s < seconds < carried_s + 20, "the last session adds what a real clock says, which is little"
    assert told[-1].seconds == seconds


def test_each_stage_value_names_a_plan() -> None:
    assert [compose([f"stage={stage}"]).plan() for stage in PLANS] == [*PLANS.values()]


@pytest.mark.parametrize(("odd", "says"), [("corse", "did you mean coarse"), ("refine", "wanted one of no-outpaint")])
def test_an_unknown_stage_names_the_plans(odd: str, says: str) -> None:
    with pytest.raises(UserError, match=f"^stage={odd}: wanted one of no-outpaint, outpaint, coarse, fine") as error:
        compose([f"stage={odd}"]).plan()
    assert says in str(error.value)


def test_what_is_told_deep_inside_a_stage_reaches_the_run_s_observer(tmp_path: Path) -> None:
    class Talks(Count):
        def __call__(self, scene: Scene, observe) -> Scene:
            tell("download/model", Note("half way"))
            return super().__call__(scene, observe)

    heard = []
    stages = {name: Talks(name) for name in PLANS["no-outpaint"]}
    run_stages(
        stages,
        {name: {} for name in STAGES},
        lambda name, value, step=None: heard.append((name, value)),
        RunFolder(tmp_path, STAGES),
        NoRecord(),
        0,
    )
    assert heard.count(("download/model", Note("half way"))) == 2


def test_a_stage_keeps_its_peak_of_the_graphics_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(RunFolder(tmp_path / "without", STAGES), "no-outpaint")
    assert RunFolder(tmp_path / "without", STAGES).finished("load")["peak_vram_bytes"] is None
    peaks = iter([5, 7])
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr("torch.cuda.max_memory_reserved", lambda: next(peaks))
    go(RunFolder(tmp_path / "with", STAGES), "no-outpaint")
    done = [RunFolder(tmp_path / "with", STAGES).finished(name) for name in PLANS["no-outpaint"]]
    assert [d["peak_vram_bytes"] for d in done] == [5, 7]
