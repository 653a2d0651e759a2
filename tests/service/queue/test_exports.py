"""Results that are asked of finished scenes: made once, of a job that is done, whatever dies."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vistadream.service.queue.claims import DEATHS, Claims, database_url, open_queue
from vistadream.service.queue.exports import Exports
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.workers.queue import Outcome

SPLAT = "gaussians.splat"
NOW_S = 1e12
"""Later than every end of a row."""


def done_job(store: Store) -> JobRow:
    job = store.add(JobRow(new_id()))
    attempt = store.begin(job.id).attempt
    store.finish(job.id, attempt, "done")
    return store.get(job.id)


@pytest.fixture
def exports(store: Store) -> Exports:
    return Exports(store.database)


def test_many_requests_are_one_row(store: Store, exports: Exports) -> None:
    job = done_job(store)
    with ThreadPoolExecutor(4) as threads:
        rows = list(threads.map(lambda _: exports.ask(job, SPLAT, NOW_S, NOW_S), range(8)))
    assert {(row.state, row.attempt) for row in rows} == {("queued", 0)}
    (row,) = exports.under_way()
    with ThreadPoolExecutor(4) as threads:
        begun = [each for each in threads.map(lambda _: exports.begin(row, 0), range(8)) if each]
    assert [each.attempt for each in begun] == [1]
    assert not exports.finish(job.id, SPLAT, 0, "done"), "an older attempt changes nothing"
    assert exports.finish(job.id, SPLAT, 1, "done")
    assert not exports.finish(job.id, SPLAT, 1, "failed"), "nor does one that has ended"
    assert exports.under_way() == []


def test_one_that_ended_is_made_anew_only_when_that_was_long_ago_or_for_another_scene(
    store: Store, exports: Exports
) -> None:
    job = done_job(store)
    for n, state in enumerate(("done", "failed"), 1):
        exports.ask(job, SPLAT, NOW_S, NOW_S)
        exports.begin(exports.get(job.id, SPLAT), 0)
        exports.finish(job.id, SPLAT, n, state)
        assert exports.ask(job, SPLAT, 0, 0).state == state
    assert exports.ask(job, SPLAT, NOW_S, 0).state == "failed", "the limit of what failed is its own"
    store.requeue(job.id, [])
    store.finish(job.id, store.begin(job.id).attempt, "done")
    assert exports.ask(store.get(job.id), SPLAT, 0, 0).state == "queued", "the scene is another one"


def test_nothing_is_made_of_a_job_that_is_not_done_or_is_deleted(store: Store, exports: Exports) -> None:
    job = done_job(store)
    row = exports.ask(job, SPLAT, NOW_S, NOW_S)
    store.requeue(job.id, [])
    assert exports.under_way() == []
    assert exports.begin(row, 0) is None
    store.remove(job.id)
    assert exports.get(job.id, SPLAT) is None
    assert exports.ask(job, SPLAT, NOW_S, NOW_S) is None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def a_queue(data: Path) -> tuple[Claims, Store, JobRow]:
    """A queue with a job that is done and one that waits; of the first one a result is asked."""
    queue, store = open_queue(database_url(data), data), Store(database_url(data))
    job, waiting = done_job(store), store.add(JobRow(new_id(), words=("seed=3",)))
    for each in (job, waiting):
        (data / "jobs" / each.id / "run").mkdir(parents=True)
    Exports(store.database).ask(job, SPLAT, NOW_S, NOW_S)
    return queue, store, job


def test_a_result_goes_before_jobs_and_leaves_its_job_done(data: Path) -> None:
    queue, store, job = a_queue(data)
    task = queue.take("w")
    assert (task.id, task.result, task.attempt) == (job.id, SPLAT, 1)
    other = open_queue(database_url(data), data)
    assert other.take("v").words == ("seed=3",), "the folder of the first is locked"
    assert not queue.is_cancelled(task)
    queue.settle(task, Outcome("interrupted"))
    task = queue.take("w")
    assert (task.result, task.attempt) == (SPLAT, 2)
    queue.settle(task, Outcome("done"))
    assert Exports(store.database).get(job.id, SPLAT).state == "done"
    assert (store.get(job.id).state, store.get(job.id).attempt) == ("done", 1)


def test_a_worker_that_dies_loses_nothing_and_kills_no_more_than_its_share(data: Path) -> None:
    _, store, job = a_queue(data)
    exports = Exports(store.database)
    for attempt in range(1, DEATHS + 1):
        task = open_queue(database_url(data), data).take("killed")  # its lock ends with it
        assert (task.result, task.attempt) == (SPLAT, attempt)
    assert open_queue(database_url(data), data).take("w").result is None
    row = exports.get(job.id, SPLAT)
    assert (row.state, row.error.startswith("its worker was killed 3 times: most likely")) == ("failed", True)
    assert store.get(job.id).state == "done"


def test_a_job_that_is_deleted_ends_its_results(data: Path) -> None:
    queue, store, job = a_queue(data)
    task = queue.take("w")
    store.remove(job.id)
    assert queue.is_cancelled(task)
    queue.settle(task, Outcome("broken", "its folder is gone"))
    assert Exports(store.database).get(job.id, SPLAT) is None
