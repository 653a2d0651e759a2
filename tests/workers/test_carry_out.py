"""One idempotent call begins a job and goes on with it, to the same bytes however it was ended before."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from vistadream.core import Cancelled, FullMemoryError, UserError
from vistadream.runs.listed import Listed
from vistadream.workers.carry_out import attempt, carry_out, make_result
from vistadream.workers.progress import last_part, stages_done
from vistadream.workers.queue import Outcome, Task

WORDS = (
    "stage=no-outpaint",
    "max_resolution=32",
    "recipe=quick",
    "stages.initialize.steps=3",
    "export=[gaussians,metrics]",
    "flight.frames=1",
    "checkpoint_seconds=0",
)


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every result of a run."""
    files = [*folder.rglob("*.ply"), *folder.rglob("*.png"), *folder.rglob("*.npy")]
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    carry_out("single_img", WORDS, folder)
    return digests(folder)


class Stop:
    """Ends a run at its nth observation."""

    def __init__(self, n: int):
        self.left = n

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_second_call_computes_nothing_again(tmp_path: Path, unbroken: dict) -> None:
    folder = tmp_path / "jobs" / "x" / "run"
    first = carry_out("single_img", WORDS, folder)
    assert first.folder == folder
    times = {file: file.stat().st_mtime_ns for file in folder.rglob("done.json")}
    assert len(times) == stages_done(folder) == 2
    carry_out("single_img", WORDS, folder)
    assert {file: file.stat().st_mtime_ns for file in times} == times
    assert digests(folder) == unbroken


@pytest.mark.parametrize("n", [3, 12])
def test_a_cancelled_job_goes_on_to_the_same_bytes(tmp_path: Path, unbroken: dict, n: int) -> None:
    with pytest.raises(Cancelled):
        carry_out("single_img", WORDS, tmp_path / "run", cancelled=Stop(n))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "interrupted"
    carry_out("single_img", WORDS, tmp_path / "run")
    assert digests(tmp_path / "run") == unbroken


def test_a_killed_job_goes_on_to_the_same_bytes(tmp_path: Path, unbroken: dict) -> None:
    code = "import sys, pathlib; from vistadream.workers.carry_out import carry_out as run; "
    code += f"run('single_img', {WORDS!r}, pathlib.Path(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "run"])
    while stages_done(tmp_path / "run") < 1:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert last_part(tmp_path / "run") in ("load", "initialize")
    task = Task("x", 2, "single_img", WORDS, tmp_path / "run")
    assert attempt(task) == Outcome("done")
    assert digests(tmp_path / "run") == unbroken


def test_other_words_count_in_place_of_earlier_ones(tmp_path: Path) -> None:
    carry_out("single_img", [*WORDS, "seed=3"], tmp_path / "run")
    carry_out("single_img", WORDS, tmp_path / "run")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (facts["seed"], "seed=3" in facts["overrides"]) == (0, False)


def test_observers_hear_of_it_and_the_terminal_does_not(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    heard: list[str] = []
    carry_out("single_img", WORDS, tmp_path / "run", observers=[lambda name, value, step=None: heard.append(name)])
    assert {"run/started", "run/ended"} <= set(heard)
    assert capfd.readouterr().out == ""
    assert not list(tmp_path.rglob("*.rrd"))


def test_how_a_task_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def task(*words: str) -> Task:
        return Task("x", 1, "single_img", (*WORDS, *words), tmp_path / "run")

    failed = attempt(task(f"image={tmp_path}/gone.png"))
    assert (failed.state, "gone.png" in failed.error) == ("failed", True)
    assert attempt(task(), cancelled=lambda: True) == Outcome("interrupted")
    full = [
        MemoryError("Unable to allocate 1 EiB"),
        torch.OutOfMemoryError("CUDA out of memory"),
        FullMemoryError("so"),
    ]
    errors = iter([ZeroDivisionError("why"), UserError("one sentence"), *full])

    def run(*_: object) -> None:
        raise next(errors)

    monkeypatch.setattr("vistadream.workers.carry_out.run", run)
    assert attempt(task()).error.startswith("ended by an error of the program, ZeroDivisionError: why; wanted")
    assert attempt(task()) == Outcome("failed", "one sentence")
    first, second, third = (attempt(task()) for _ in full)
    assert {first.state, second.state, third.state} == {"full"}
    assert first.error.startswith("the memory was full (MemoryError: Unable to allocate 1 EiB); wanted a job that fits")
    assert "OutOfMemoryError: CUDA out of memory" in second.error
    assert third.error == "so"


def test_what_a_worker_on_another_host_left_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.lock").write_text('{"host": "another", "pid": 1, "started": 1.0}')
    assert attempt(Task("x", 2, "single_img", WORDS, tmp_path / "run")) == Outcome("done")


LATER = ("gaussians.splat", "scene.gif", "npz/results.npz", "fastgs/meta.json")


def test_a_result_that_is_made_later_has_the_bytes_of_one_that_was_made_at_once(tmp_path: Path) -> None:
    late, at_once = tmp_path / "late" / "run", tmp_path / "at_once" / "run"
    carry_out("single_img", WORDS, late)
    before = {file: file.stat().st_mtime_ns for file in late.rglob("*") if file.is_file()}
    for name in LATER:
        make_result(name, "single_img", WORDS, late)
    others = [word for word in WORDS if not word.startswith("export=")]
    asked = ("export=[gaussians,metrics,splat,ply,video,npz,fastgs]", "export.video.formats=[gif]")
    carry_out("single_img", (*others, *asked), at_once)
    files = {file.relative_to(late) for file in (late / "export").rglob("*") if file.is_file()}
    assert files == {file.relative_to(at_once) for file in (at_once / "export").rglob("*") if file.is_file()}
    assert all((late / file).read_bytes() == (at_once / file).read_bytes() for file in files)
    changed = {file.name for file, time_ns in before.items() if file.stat().st_mtime_ns != time_ns}
    assert changed == {"run.log", "results.json"}, "the run itself is as it was"
    carry_out("single_img", WORDS, late)
    assert Listed.read(late).by_name().keys() >= set(LATER), "and they stay when it goes on"


def test_a_recording_that_is_made_later_has_all_stages(tmp_path: Path, read) -> None:
    carry_out("single_img", WORDS, tmp_path / "run")
    make_result("scene.rrd", "single_img", WORDS, tmp_path / "run")
    found = read(tmp_path / "run" / "export" / "scene.rrd")
    assert {"/load/log", "/initialize/log", "/initialize/gaussians", "/initialize/input/rgb"} <= set(found)


def test_a_result_is_made_of_a_finished_run_alone(tmp_path: Path) -> None:
    carry_out("single_img", WORDS, tmp_path / "run")

    def ended(words: tuple[str, ...], name: str = "gaussians.splat", **how: Callable[[], bool]) -> Outcome:
        return attempt(Task("x", 1, "single_img", words, tmp_path / "run", result=name), **how)

    further = ended((*WORDS, "stage=coarse"))
    assert (further.state, "the run is not finished up to coarse, or" in further.error) == ("failed", True)
    assert ended(WORDS, "scene.mp4", cancelled=lambda: True) == Outcome("interrupted")
    assert ended(WORDS) == Outcome("done")
    (tmp_path / "run" / "export" / "gaussians.splat").write_bytes(b"")
    assert ended(WORDS) == Outcome("done"), "what a killed worker had made already is left alone"
    assert (tmp_path / "run" / "export" / "gaussians.splat").read_bytes() == b""
