"""Which messages the end of a job leaves, whoever ends it."""

import json
from pathlib import Path

import pytest

from vistadream.service.outgoing.deliveries import Deliveries
from vistadream.service.outgoing.webhooks import Webhooks
from vistadream.service.queue.claims import Claims
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.workers.queue import Outcome


@pytest.fixture
def webhooks(store: Store) -> Webhooks:
    return Webhooks(store.database)


@pytest.fixture
def deliveries(store: Store) -> Deliveries:
    return Deliveries(store.database)


def running(store: Store, owner: str = "me") -> JobRow:
    job = store.add(JobRow(new_id(), owner=owner, input_name="sample.png", words=("seed=3",)))
    return store.begin(job.id, "w")


def test_each_endpoint_that_wants_to_know_of_an_end_gets_one_message(store, webhooks, deliveries):
    all_of_mine, failures = webhooks.add("me", "https://a.example", ["job.done", "job.failed"]), None
    failures = webhooks.add("me", "https://b.example", ["job.failed"])
    theirs = webhooks.add("you", "https://c.example", ["job.done", "job.failed"])
    gone = webhooks.add("me", "https://d.example", ["job.done", "job.failed"])
    webhooks.enable(gone.id, False)
    job = running(store)
    assert deliveries.counts() == {}
    assert store.finish(job.id, 1, "failed", "no memory")
    sent = {row.id: [each.event for each in deliveries.page(row.id)] for row in (all_of_mine, failures, theirs, gone)}
    assert sent == {all_of_mine.id: ["job.failed"], failures.id: ["job.failed"], theirs.id: [], gone.id: []}
    (first,), (second,) = deliveries.page(all_of_mine.id), deliveries.page(failures.id)
    assert first.id != second.id
    body = json.loads(first.body)
    assert (body["type"], body["data"]["id"], body["data"]["state"]) == ("job.failed", job.id, "failed")
    shown = {"error": "no memory", "words": ["seed=3"], "input": "sample.png"}
    assert body["data"] == body["data"] | shown
    assert body["timestamp"].endswith("Z")


def test_an_end_that_does_not_take_place_leaves_none(store, webhooks, deliveries):
    webhooks.add("me", "https://a.example", ["job.done", "job.cancelled"])
    job = running(store)
    assert store.finish(job.id, 1, "queued"), "interrupted"
    assert not store.finish(job.id, 1, "done"), "somebody else works on it by now"
    assert deliveries.counts() == {}
    assert store.ask_cancel(job.id).state == "cancelled"
    assert store.ask_cancel(job.id).state == "cancelled", "again: nothing changes"
    assert deliveries.counts() == {"waiting": 1}
    store.requeue(job.id, ["seed=4"])
    store.begin(job.id, "w")
    store.finish(job.id, 2, "done")
    assert deliveries.counts() == {"waiting": 2}, "each end is one message"


def test_deleting_a_queued_job_is_its_end_and_deleting_an_ended_one_is_not(store, webhooks, deliveries):
    hook = webhooks.add("me", "https://a.example", ["job.cancelled", "job.done"])
    waiting, done = (store.add(JobRow(new_id(), owner="me")) for _ in range(2))
    store.begin(done.id)
    store.finish(done.id, 1, "done")
    assert store.remove(waiting.id)
    assert store.remove(done.id)
    assert not store.remove(waiting.id)
    assert sorted(each.event for each in deliveries.page(hook.id)) == ["job.cancelled", "job.done"]
    body = next(json.loads(each.body) for each in deliveries.page(hook.id) if each.event == "job.cancelled")
    assert (body["data"]["id"], body["data"]["state"]) == (waiting.id, "cancelled")
    assert body["data"]["finished"]


@pytest.mark.parametrize("state", ["failed", "broken", "cancelled"])
def test_workers_leave_messages_without_paths_of_the_service(state, store, webhooks, deliveries, tmp_path: Path):
    hook = webhooks.add("me", "https://a.example", ["job.done", "job.failed", "job.cancelled"])
    job = store.add(JobRow(new_id(), owner="me", failures=1))
    claims = Claims(store, tmp_path)
    (tmp_path / "jobs" / job.id / "input").mkdir(parents=True)
    task = claims.take("w")
    claims.settle(task, Outcome(state, f"{tmp_path}/jobs/{job.id}/input/a.png is not a picture"))
    (sent,) = deliveries.page(hook.id)
    assert json.loads(sent.body)["data"]["error"] == "a.png is not a picture"
    assert str(tmp_path) not in sent.body


def test_a_job_whose_workers_died_leaves_a_message(store, webhooks, deliveries, tmp_path: Path):
    hook = webhooks.add("me", "https://a.example", ["job.failed"])
    job = running(store)
    (tmp_path / "jobs" / job.id).mkdir(parents=True)
    assert Claims(store, tmp_path, deaths=1).take("w2") is None
    assert "its worker was killed" in json.loads(deliveries.page(hook.id)[0].body)["data"]["error"]


def test_an_endpoint_of_one_job_comes_with_it_and_is_sent_its_end_alone(store, webhooks, deliveries):
    mine, other = (JobRow(new_id(), owner="me") for _ in range(2))
    store.add(mine, webhooks.for_job("me", "https://a.example", mine.id))
    store.add(other)
    hook = webhooks.of_job(mine.id)
    assert webhooks.of_job(other.id) is None
    assert webhooks.all_of("me") == [], "it is not one for all jobs"
    for job in (mine, other):
        store.ask_cancel(job.id)
    assert [each.job_id for each in deliveries.page(hook.id)] == [mine.id]


def test_of_two_requests_with_one_key_only_the_first_brings_an_endpoint(store, webhooks):
    first, second = (JobRow(new_id(), owner="me", idempotency_key="k") for _ in range(2))
    for job in (first, second):
        assert store.add(job, webhooks.for_job("me", "https://a.example", job.id)).id == first.id
    assert webhooks.of_job(first.id)
    assert webhooks.of_job(second.id) is None
