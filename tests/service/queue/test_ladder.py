"""The steps after full memory: each once, each said, and no knob changed unless the request allows it."""

import json
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from vistadream.service.queue.claims import database_url, open_queue
from vistadream.service.queue.ladder import after_death, after_full_memory
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import ENDED, JobRow, new_id
from vistadream.workers.pool import Pool
from vistadream.workers.slots import slots

JOB = JobRow("x", words=("stage=coarse", "max_resolution=512", "seed=3"), attempt=4)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "config.yaml").write_text("stage: coarse\nmax_resolution: 512\nseed: 3\n")
    (tmp_path / "events.jsonl").write_text('{"name": "coarse/03/hole"}\n')
    return tmp_path


def test_the_first_step_is_a_fresh_process_alone_on_the_device(run):
    for job in (JOB, replace(JOB, degrade=True)):
        rung = after_full_memory(job, run, "why")
        assert (rung.state, rung.changed["exclusive"], "words" in rung.changed) == ("queued", True, False)
        (step,) = rung.changed["memory_steps"]
        assert step == "attempt 4: the memory was full in coarse; it goes on in a fresh process, alone on the device"


def test_then_it_fails_and_names_the_knobs(run):
    rung = after_full_memory(replace(JOB, exclusive=True), run, "the memory was full (MemoryError); wanted less")
    assert rung.state == "failed"
    assert rung.error.startswith("also in a fresh process alone on the device, the memory was full (MemoryError);")
    assert "degrade=true" in rung.error


def test_where_it_is_allowed_the_picture_shrinks_step_by_step_and_at_last_it_fails(run):
    job, sizes = replace(JOB, exclusive=True, degrade=True), [512]
    while (rung := after_full_memory(job, run, "why")).state == "queued":
        *others, last = rung.changed["words"]
        assert others == ["stage=coarse", "seed=3"]
        sizes.append(int(last.removeprefix("max_resolution=")))
        assert f"max_resolution={sizes[-1]} in place of {sizes[-2]}" in rung.changed["memory_steps"][-1]
        assert len(rung.changed["memory_steps"]) == len(sizes) - 1
        job = replace(job, words=tuple(rung.changed["words"]), memory_steps=tuple(rung.changed["memory_steps"]))
        (run / "config.yaml").write_text(f"max_resolution: {sizes[-1]}\n")
    assert sizes == sorted(set(sizes), reverse=True)
    assert sizes[1] ** 2 == pytest.approx(512**2 / 2, rel=0.01)
    assert sizes[-1] == 32
    assert "degrade" not in rung.error


def test_a_size_that_is_not_known_is_not_changed(tmp_path):
    assert after_full_memory(replace(JOB, exclusive=True, degrade=True), tmp_path, "why").state == "failed"


def test_one_death_may_have_any_cause_and_a_second_by_sigkill_has_the_device_for_itself(run):
    killed = replace(JOB, last_signal=signal.SIGKILL)
    assert after_death(killed, run, 1, 3) is None
    assert after_death(replace(JOB, last_signal=signal.SIGSEGV), run, 2, 3) is None
    again = after_death(replace(killed, exclusive=True), run, 2, 3)
    assert (again.state, again.changed) == ("queued", {"deaths": 2}), "alone again, without another step"
    rung = after_death(killed, run, 2, 3)
    assert (rung.state, rung.changed["exclusive"], rung.changed["deaths"]) == ("queued", True, 2)
    (step,) = rung.changed["memory_steps"]
    assert "killed 2 times in coarse, most likely because the memory was full; it goes on in a fresh process" in step


def test_the_last_death_is_a_failure_or_a_smaller_picture(run):
    last = replace(JOB, last_signal=signal.SIGKILL, exclusive=True)
    rung = after_death(last, run, 3, 3)
    assert (rung.state, rung.changed) == ("failed", {"deaths": 3})
    assert rung.error.startswith("its worker was killed 3 times, last by signal 9, in coarse: most likely out of")
    assert after_death(replace(last, degrade=True), run, 3, 3).changed["words"][-1] == "max_resolution=362"


WORDS = ("stage=no-outpaint", "max_resolution=64", "recipe=quick", "stages.initialize.steps=1", "export=[report]")


def test_a_job_whose_memory_is_full_goes_down_the_steps_in_real_workers(tmp_path):
    """Every process whose memory was full ends, and the job says what was done: in its row, events, log and report."""
    queue = open_queue(database_url(tmp_path), tmp_path)
    store = Store(database_url(tmp_path))
    job = JobRow(new_id(), words=WORDS, degrade=True)
    (tmp_path / "jobs" / job.id).mkdir()
    store.add(job)
    command = (sys.executable, str(Path(__file__).with_name("full_memory.py")), str(tmp_path))
    pool = Pool(command, queue, slots(1, gpus=[]))
    pool.start()
    try:
        end = time.monotonic() + 120
        while (job := store.get(job.id)).state not in ENDED:
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        pool.stop()
    assert (job.state, job.attempt) == ("done", 3), job.error
    assert set(job.words) == {*WORDS, "max_resolution=45"} - {"max_resolution=64"}
    assert pool.restarts >= 2
    run = tmp_path / "jobs" / job.id / "run"
    lines = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    said = [line["value"]["text"] for line in lines if line["name"] == "run/memory"]
    assert said[-2:] == list(job.memory_steps)
    assert "max_resolution=45 in place of 64" in said[-1]
    for text in ((run / "run.log").read_text(), (run / "report.html").read_text()):
        assert all(step in text for step in job.memory_steps)
