"""Who works on which job: the lock in its folder decides, and a dead worker is noticed by that alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import event

from vistadream.service.queue.claims import DEATHS, Claims, database_url, open_queue
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.service.watch.timings import Timings, alike
from vistadream.workers.file_lock import try_lock
from vistadream.workers.queue import Outcome


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def job_in(data: Path, store: Store, **about: object) -> JobRow:
    row = JobRow(new_id(), **about)
    (data / "jobs" / row.id / "run").mkdir(parents=True)
    return store.add(row)


def queue_and_store(data: Path) -> tuple[Claims, Store]:
    return open_queue(database_url(data), data), Store(database_url(data))


def finish_stage(data: Path, job: JobRow, number: int) -> None:
    folder = data / "jobs" / job.id / "run" / f"{number:02d}_stage{number}"
    folder.mkdir()
    (folder / "done.json").write_text('{"key": ""}')


TAKES_AND_WAITS = """
import sys
from pathlib import Path
from vistadream.service.queue.claims import database_url, open_queue
data = Path(sys.argv[1])
queue = open_queue(database_url(data), data)
print(queue.take("killed").attempt, flush=True)
sys.stdin.read()
"""


def take_and_die(data: Path) -> int | None:
    """The attempt of a worker that lets go of its lock without a word; None where it gets no job."""
    queue = open_queue(database_url(data), data)
    task = queue.take("killed")
    del queue  # closes the file of the lock, as the end of a process does
    return task and task.attempt


def test_a_task_has_the_words_and_the_input_of_its_job(data: Path) -> None:
    queue, store = queue_and_store(data)
    job = job_in(data, store, words=("seed=3",), input_name="photo.png")
    task = queue.take("w")
    assert task.words == ("seed=3", f"image={data}/jobs/{job.id}/input/photo.png")
    assert (task.id, task.attempt, task.kind, task.run) == (job.id, 1, "single_img", data / "jobs" / job.id / "run")
    assert queue.take("w") is None


@pytest.mark.parametrize("gone", [10, 40])
def test_jobs_that_cannot_be_taken_cost_one_small_step_each(data: Path, gone: int) -> None:
    """Their folders are gone, as on a disk that is not mounted: they wait, and the next one is found."""
    queue, store = queue_and_store(data)
    for _ in range(gone):
        store.add(JobRow(new_id()))
    job, sizes = job_in(data, store), []
    event.listen(queue._store.database.engine, "before_cursor_execute", lambda *call: sizes.append(len(call[3])))
    assert queue.take("w").id == job.id
    assert len(sizes) < 3 * gone + 20
    assert max(sizes) < 20, "no statement names them all"
    assert store.counts() == {"queued": gone, "running": 1}


def test_a_job_whose_worker_was_killed_is_taken_over_at_once(data: Path) -> None:
    queue, store = queue_and_store(data)
    first, second = job_in(data, store), job_in(data, store)
    start = [sys.executable, "-c", TAKES_AND_WAITS, data]
    with subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "1\n"
        assert try_lock(data / "jobs" / first.id / "lock") is None
        process.kill()
    task = queue.take("w")
    assert (task.id, task.attempt) == (first.id, 2)
    assert queue.take("w").id == second.id
    queue.settle(task, Outcome("done"))
    assert store.get(first.id).state == "done"
    assert store.get(first.id).deaths == 1


def test_a_job_that_kills_its_worker_again_and_again_has_failed(data: Path) -> None:
    queue, store = queue_and_store(data)
    job = job_in(data, store)
    (data / "jobs" / job.id / "run" / "events.jsonl").write_text(json.dumps({"name": "coarse/03/hole"}) + "\nhalf a l")
    assert [take_and_die(data) for _ in range(DEATHS)] == [1, 2, 3]
    store.note_signal("killed", 9)
    assert queue.take("w") is None
    failed = store.get(job.id)
    assert failed.state == "failed"
    assert failed.error.startswith("its worker was killed 3 times, last by signal 9, in coarse: most likely out of mem")
    assert "wanted" in failed.error


def test_a_job_that_finishes_a_stage_between_deaths_goes_on(data: Path) -> None:
    queue, store = queue_and_store(data)
    job = job_in(data, store)
    for attempt in range(1, 2 * DEATHS):
        assert take_and_die(data) == attempt
        if attempt % 2:
            finish_stage(data, job, attempt)
    assert queue.take("w").attempt == 2 * DEATHS


def test_a_cancelled_job_whose_worker_died_is_cancelled(data: Path) -> None:
    queue, store = queue_and_store(data)
    job = job_in(data, store)
    take_and_die(data)
    store.ask_cancel(job.id)
    assert queue.cancelled_workers() == {"killed"}
    queue.worker_died("killed", 9)
    assert store.get(job.id).state == "cancelled"
    assert queue.take("w") is None


def test_how_attempts_end(data: Path) -> None:
    queue, store = queue_and_store(data)
    job = job_in(data, store)

    def ended(outcome: Outcome) -> tuple[str, str | None]:
        queue.settle(queue.take("w"), outcome)
        row = store.get(job.id)
        return row.state, row.error

    assert ended(Outcome("interrupted")) == ("queued", None)
    assert ended(Outcome("broken", "first")) == ("queued", "first")
    assert ended(Outcome("broken", "x" * 10_000)) == ("failed", "x" * 2000)
    assert queue.take("w") is None
    store.requeue(job.id, [])
    assert ended(Outcome("failed", "bad input")) == ("failed", "bad input")
    store.requeue(job.id, [])
    assert ended(Outcome("done")) == ("done", None)
    assert store.get(job.id).attempt == 5


@pytest.mark.parametrize("state", ["done", "failed", "cancelled", "interrupted", "broken"])
def test_what_a_job_takes_on_the_disk_is_kept_when_its_attempt_ends(state: str, data: Path) -> None:
    queue, store = queue_and_store(data)
    job = job_in(data, store, disk_bytes=7, owner="a")
    task = queue.take("w")
    (task.run / "scene.ply").write_bytes(b"x" * 1000)
    os.link(task.run / "scene.ply", task.run / "again.ply")
    assert store.disk_bytes("a") == 7
    queue.settle(task, Outcome(state, "why"))
    assert store.disk_bytes("a") == 1000, "a file with two names is there once"
    assert store.disk_bytes("b") == 0
    assert store.remove(job.id)
    assert store.disk_bytes("a") == 0


def test_an_old_attempt_changes_nothing(data: Path) -> None:
    queue, store = queue_and_store(data)
    job = job_in(data, store)
    task = queue.take("w")
    store.take_over(store.get(job.id), "somebody", 1, 0)
    queue.settle(task, Outcome("done"))
    assert (store.get(job.id).state, store.get(job.id).worker) == ("running", "somebody")


def test_no_job_is_begun_on_a_full_disk(data: Path) -> None:
    _, store = queue_and_store(data)
    job_in(data, store)
    assert open_queue(database_url(data), data, min_free_bytes=2**62).take("w") is None


def test_a_removed_job_stops_nobody(data: Path) -> None:
    queue, store = queue_and_store(data)
    gone, job = JobRow(new_id()), JobRow(new_id())
    store.add(gone)  # without a folder
    (data / "jobs" / job.id).mkdir()
    store.add(job)
    assert queue.take("w").id == job.id


WORKS = """
import os, sys, time
from pathlib import Path
from vistadream.service.queue.claims import database_url, open_queue
from vistadream.workers.queue import Outcome
data = Path(sys.argv[1])
queue = open_queue(database_url(data), data)
log = os.open(data / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
while True:
    if task := queue.take(str(os.getpid())):
        os.write(log, f"{task.id} {task.attempt}\\n".encode())
        for n in range(3):
            time.sleep(0.01)
            folder = task.run / f"0{n}_stage"
            folder.mkdir(exist_ok=True)
            (folder / "done.json").write_text('{"key": ""}')
        queue.settle(task, Outcome("done"))
    else:
        time.sleep(0.01)
"""


def test_whatever_is_killed_nothing_is_lost_and_nothing_is_finished_twice(data: Path) -> None:
    _, store = queue_and_store(data)
    ids = [job_in(data, store).id for _ in range(60)]
    start = [sys.executable, "-c", WORKS, data]
    workers = [subprocess.Popen(start) for _ in range(2)]
    kills = 0
    try:
        deadline = time.monotonic() + 100
        while store.counts() != {"done": 60} and time.monotonic() < deadline:
            time.sleep(0.5)
            if store.counts().get("done", 0) > 10 * kills and kills < 5:
                os.kill(workers[kills % 2].pid, signal.SIGKILL)
                workers[kills % 2].wait()
                workers[kills % 2] = subprocess.Popen(start)
                kills += 1
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert kills >= 3
    assert store.counts() == {"done": 60}
    begun = Counter((data / "log").read_text().splitlines())
    assert max(begun.values()) == 1  # each attempt was given to one worker
    assert {line.split()[0] for line in begun} == set(ids)
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"


def test_the_times_of_a_finished_job_are_kept_and_of_no_other(data: Path) -> None:
    queue, store = queue_and_store(data)
    facts = {
        "seconds": {"start": 0.5, "stages": 9.0, "delivery": 1.5},
        "stages": {"load": {"seconds": 2.0}, "coarse": {"seconds": 7.0}},
    }
    for state in ("interrupted", "done", "failed"):
        job_in(data, store, words=("stage=coarse",))
        task = queue.take("w")
        (task.run / "run.json").write_text(json.dumps(facts))
        queue.settle(task, Outcome(state))
    take_and_die(data)
    (kept,) = Timings(store.database).newest(10)
    assert kept.parts == {"start": 0.5, "load": 2.0, "coarse": 7.0, "delivery": 1.5}
    assert kept.seconds == 11.0
    assert kept.alike == alike("single_img", ("stage=coarse",))
    assert kept.waited_s >= 0


def test_a_job_that_needs_the_device_gets_it_alone_and_nobody_waits_for_ever(data: Path) -> None:
    first, second, third = (open_queue(database_url(data), data) for _ in range(3))
    _, store = queue_and_store(data)
    big, small, last = (job_in(data, store) for _ in range(3))
    task = first.take("w1")
    other = second.take("w2")
    assert (task.id, other.id) == (big.id, small.id)
    first.settle(task, Outcome("full", "the memory was full (MemoryError); wanted less"))
    assert third.take("w3", fresh=True) is None, "somebody works on the device"
    assert first.wants_fresh()
    second.settle(other, Outcome("done"))
    assert second.take("w2", fresh=False) is None
    again = third.take("w3", fresh=True)
    assert (again.id, again.attempt) == (big.id, 2)
    assert "alone on the device" in again.memory_steps[0]
    assert first.take("w1", fresh=True) is None, "it is alone"
    assert not first.wants_fresh()
    third.settle(again, Outcome("full", "the memory was full (MemoryError); wanted less"))
    failed = store.get(big.id)
    assert (failed.state, failed.exclusive) == ("failed", True)
    assert failed.error.startswith("also in a fresh process alone on the device, the memory was full")
    assert first.take("w1", fresh=False).id == last.id


def test_a_job_whose_workers_the_system_kills_gets_the_device_alone(data: Path) -> None:
    _, store = queue_and_store(data)
    job = job_in(data, store)
    for attempt in (1, 2):
        assert take_and_die(data) == attempt
        store.note_signal("killed", signal.SIGKILL)
    assert not store.get(job.id).exclusive
    assert take_and_die(data) is None, "the one that finds it shares the device with others"
    assert (store.get(job.id).state, store.get(job.id).exclusive) == ("queued", True)
    assert take_and_die(data) == 3
    store.note_signal("killed", signal.SIGKILL)
    assert take_and_die(data) is None
    assert "killed 3 times, last by signal 9" in store.get(job.id).error
    assert len(store.get(job.id).memory_steps) == 1
