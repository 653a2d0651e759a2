"""Jobs that end by the result of another one, whoever is killed meanwhile."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vistadream.service.cache.cache import Cache
from vistadream.service.cache.delivery import Delivery
from vistadream.service.cache.index import TableIndex
from vistadream.service.queue.claims import Claims
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.workers.queue import Outcome

KILLED = """
import os, signal, sys
from pathlib import Path
from vistadream.service.cache import cache as module, copies
from vistadream.service.cache.cache import Cache
from vistadream.service.cache.delivery import Delivery
from vistadream.service.cache.index import TableIndex
from vistadream.service.queue.store import Store

data, job, where = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
store = Store(f"sqlite:///{data / 'queue.db'}")
def killed(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
match where:
    case "in the copy": copies.link_or_copy = killed
    case "before the rename": module.replace_folder = killed
    case "before the commit": store.finish = killed
Delivery(store, Cache(data / "cache", TableIndex(store.database), 10**9), data / "jobs").at_once(store.get(job), "w")
"""


@pytest.fixture
def index(store):
    """One kind is enough here."""
    return TableIndex(store.database)


@pytest.fixture
def claims(store, tmp_path, cache):
    return Claims(store, tmp_path, cache=cache)


def waiting(store, jobs: Path, key: str = "k") -> JobRow:
    row = JobRow(new_id(), result_key=key, scene_key=f"scene of {key}", input_name="b.jpg")
    (jobs / row.id).mkdir()
    return store.add(row)


@pytest.mark.parametrize("where", ["in the copy", "before the rename", "before the commit"])
def test_a_kill_in_between_leaves_nothing_half_and_the_next_worker_ends_the_job(
    where, store, claims, cache, run_job, jobs, tmp_path
):
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    job = waiting(store, jobs)
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, job.id, where], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert store.get(job.id).state == "running"
    whole = (tmp_path / "cache" / "k" / "export" / "gaussians.ply").read_bytes()
    run = jobs / job.id / "run"
    assert not run.exists() or (run / "export" / "gaussians.ply").read_bytes() == whole
    assert claims.take("w2") is None, "there is nothing to run"
    assert (store.get(job.id).state, store.get(job.id).cached_from) == ("done", first.id)
    assert (run / "export" / "gaussians.ply").read_bytes() == whole
    assert {path.name for path in (jobs / job.id).iterdir()} == {"run", "lock"}


def test_equal_jobs_end_with_the_one_that_was_run(store, claims, run_job, jobs):
    first = run_job("k", state="queued")
    twins = [waiting(store, jobs) for _ in range(3)]
    other = waiting(store, jobs, "l")
    task = claims.take("w")
    assert task.id == first.id
    second = claims.take("w")
    assert second.id == other.id, "the twins wait, and hold up nobody"
    claims.settle(second, Outcome("failed", "why"))
    claims.settle(task, Outcome("done"))
    assert [(store.get(job.id).state, store.get(job.id).cached_from) for job in twins] == [("done", first.id)] * 3


def test_a_new_worker_ends_what_a_killed_one_left(store, tmp_path, cache, run_job, jobs):
    """The worker of the first job was killed after its end; a longer queue is in front of the second."""
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    others = [waiting(store, jobs, f"l{n}") for n in range(3)]
    second = waiting(store, jobs)
    assert Claims(store, tmp_path, cache=cache).take("w").id == others[0].id
    assert (store.get(second.id).state, store.get(second.id).cached_from) == ("done", first.id)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_where_the_first_one_ends_without_a_result_the_next_one_is_run(state, store, claims, run_job, jobs):
    first = run_job("k", state="queued")
    second = waiting(store, jobs)
    claims.settle(claims.take("w"), Outcome(state, "why"))
    assert claims.take("w").id == second.id
    assert store.get(first.id).state == state


def test_a_queued_job_is_run_where_its_result_was_forgotten(store, claims, cache, run_job, jobs):
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    second = waiting(store, jobs)
    cache.clear()
    assert not Delivery(store, cache, jobs).at_once(second, "w")
    assert claims.take("w").id == second.id
    assert isinstance(cache, Cache)
