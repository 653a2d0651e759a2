"""The result of before a change stays whole until the new one is."""

import json
from pathlib import Path

import pytest

from vistadream.service.queue.before import FOLDER, keep_before
from vistadream.service.queue.claims import Claims, database_url, open_queue
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.workers.queue import Outcome


def write_run(run: Path, content: str, status: str = "finished") -> None:
    """What a run leaves, each file written anew as a run does."""
    run.mkdir(parents=True, exist_ok=True)
    texts = {
        "gaussians.ply": content,
        "results.json": json.dumps({"key": "k", "files": ["gaussians.ply"]}),
        "run.json": json.dumps({"status": status}),
    }
    for name, text in texts.items():
        draft = run / f"{name}.draft"
        draft.write_text(text)
        draft.replace(run / name)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(database_url(tmp_path))


@pytest.fixture
def queue(tmp_path: Path) -> Claims:
    return open_queue(database_url(tmp_path), tmp_path)


@pytest.fixture
def job(tmp_path: Path, store: Store, queue: Claims) -> Path:
    """The folder of a job that has been done once, and is in the queue again."""
    row = JobRow(new_id())
    folder = tmp_path / "jobs" / row.id
    folder.mkdir(parents=True)
    store.add(row)
    task = queue.take("w")
    assert not (folder / FOLDER).exists(), "there was nothing to keep"
    write_run(folder / "run", "first")
    queue.settle(task, Outcome("done"))
    store.requeue(row.id, ["seed=2"])
    return folder


def test_it_is_kept_while_the_run_changes_and_gone_when_the_new_one_is_whole(job, queue):
    task = queue.take("w")
    write_run(job / "run", "second", "running")
    assert (job / FOLDER / "gaussians.ply").read_text() == "first"
    write_run(job / "run", "third")
    queue.settle(task, Outcome("done"))
    assert not (job / FOLDER).exists()


@pytest.mark.parametrize("outcome", [Outcome("cancelled"), Outcome("failed", "no"), Outcome("interrupted")])
def test_it_outlives_a_change_that_did_not_come_to_its_end(outcome, job, queue, store):
    task = queue.take("w")
    write_run(job / "run", "half", "failed")
    queue.settle(task, outcome)
    assert (job / FOLDER / "gaussians.ply").read_text() == "first"
    store.requeue(job.name, ["seed=3"])
    queue.take("w")
    assert (job / FOLDER / "gaussians.ply").read_text() == "first", "half a run is not kept in its place"


def test_a_draft_of_a_killed_worker_is_no_hindrance(job):
    (job / f"{FOLDER}.draft").mkdir()
    (job / f"{FOLDER}.draft" / "x").write_text("x")
    keep_before(job)
    assert (job / FOLDER / "gaussians.ply").read_text() == "first"
    assert not (job / FOLDER / "x").exists()
