"""Workers as processes: they end with their parent, on request, and within seconds whatever they are doing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.workers.a_queue import OneTask

from vistadream.workers.pool import Pool
from vistadream.workers.slots import Slot

PROGRAM = Path(__file__).with_name("a_queue.py")
ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[2])}


def until(holds: Callable[[], object], seconds: float = 60) -> float:
    """Waits until something holds; the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "task").touch()
    return tmp_path


@pytest.fixture
def pool_of(folder: Path) -> Iterator[Callable[[str], Pool]]:
    started: list[Pool] = []

    def start(what: str, **words: object) -> Pool:
        command = [sys.executable, str(PROGRAM), str(folder), what, *(f"{k}={v}" for k, v in words.items())]
        started.append(Pool(command, OneTask(folder), [Slot("cpu0", ENVIRONMENT)]))
        started[0].start()
        return started[0]

    yield start
    for pool in started:
        pool.stop()
        assert not any(map(psutil.pid_exists, pool.pids()))


def outcome(folder: Path) -> str:
    return (folder / "outcome").read_text().strip() if (folder / "outcome").exists() else ""


@pytest.mark.parametrize("what", ["steps", "sleep"])
def test_a_cancelled_task_ends_within_five_seconds(folder: Path, pool_of: Callable, what: str) -> None:
    pool = pool_of(what)
    until((folder / "began").exists)
    (pid,) = pool.pids()
    (folder / "cancel").touch()
    assert until(lambda: outcome(folder)) < 5
    assert outcome(folder) == "cancelled"
    assert pool.pids() == [pid]  # it goes on to the next task


def test_a_worker_that_hangs_in_a_cancelled_task_is_killed_within_five_seconds(folder: Path, pool_of: Callable) -> None:
    pool_of("hang")
    until((folder / "began").exists)
    (folder / "cancel").touch()
    assert until((folder / "died").exists) < 5.5
    assert (folder / "died").read_text().split()[1] == "9"


def test_a_dead_worker_is_replaced_and_its_signal_is_told(folder: Path, pool_of: Callable) -> None:
    pool = pool_of("sleep")
    until((folder / "began").exists)
    (pid,) = pool.pids()
    os.kill(pid, signal.SIGKILL)
    until(lambda: pool.pids() not in ([pid], []))
    assert (folder / "died").read_text() == f"{(folder / 'worker').read_text()} 9\n"
    assert pool.restarts == 1


def test_a_worker_ends_after_its_number_of_tasks(folder: Path, pool_of: Callable) -> None:
    pool = pool_of("end", jobs=1)
    (pid,) = pool.pids()
    until(lambda: outcome(folder))
    until(lambda: pool.pids() not in ([pid], []))
    assert outcome(folder) == "done"


@pytest.mark.parametrize(("what", "left"), [("steps", "interrupted"), ("hang", "")])
def test_stopping_interrupts_what_is_under_way(folder: Path, pool_of: Callable, what: str, left: str) -> None:
    pool = pool_of(what)
    until((folder / "began").exists)
    began = time.monotonic()
    pool.stop()
    assert time.monotonic() - began < 8
    assert outcome(folder) == left


def test_a_drained_worker_takes_no_more_tasks(folder: Path, pool_of: Callable) -> None:
    (folder / "task").unlink()
    pool = pool_of("end")
    until(lambda: psutil.Process(pool.pids()[0]).nice() == 10)  # it is past its imports
    pool.drain()
    (folder / "task").touch()
    until(lambda: pool.pids() == [])
    assert outcome(folder) == ""


def test_where_its_workers_run_is_found_out_when_it_starts(folder: Path) -> None:
    asked = []

    def places() -> Iterator[Slot]:
        asked.append("nvidia-smi")
        yield Slot("cpu0", ENVIRONMENT)

    pool = Pool([sys.executable, str(PROGRAM), str(folder), "sleep"], OneTask(folder), places())
    assert not asked
    pool.start()
    assert asked
    assert len(pool.pids()) == 1
    pool.stop()


STARTS_A_POOL = """
import sys, time
from pathlib import Path
from tests.workers.a_queue import OneTask
from vistadream.workers.pool import Pool
from vistadream.workers.slots import Slot
pool = Pool([sys.executable, *sys.argv[1:]], OneTask(Path(sys.argv[2])), [Slot("cpu0", {})])
pool.start()
print(*pool.pids(), flush=True)
time.sleep(1000)
"""


def test_workers_end_with_their_parent_however_that_ends(folder: Path) -> None:
    start = [sys.executable, "-c", STARTS_A_POOL, PROGRAM, folder, "steps"]
    with subprocess.Popen(start, stdout=subprocess.PIPE, text=True, env={**os.environ, **ENVIRONMENT}) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        until((folder / "began").exists)
        assert worker.nice() == 10
        if sys.platform == "linux":
            assert int(Path(f"/proc/{worker.pid}/oom_score_adj").read_text()) == 500
        parent.kill()
        parent.wait()
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 10)
    assert outcome(folder) == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_alone_ends_on_a_signal(folder: Path, number: int) -> None:
    reading, writing = os.pipe()
    start = [sys.executable, PROGRAM, folder, "steps", f"parent={reading}"]
    with subprocess.Popen(start, env={**os.environ, **ENVIRONMENT}, pass_fds=[reading]) as worker:
        until((folder / "began").exists)
        worker.send_signal(number)
        assert worker.wait(60) == 0
    os.close(reading)
    os.close(writing)
    assert outcome(folder) == "interrupted"


def test_a_worker_that_has_worked_makes_room_when_the_next_task_wants_a_fresh_one(
    folder: Path, pool_of: Callable
) -> None:
    (folder / "fresh").touch()
    pool = pool_of("end")
    (pid,) = pool.pids()
    until(lambda: outcome(folder))
    until(lambda: pool.pids() not in ([pid], []))
    (folder / "fresh").unlink()
