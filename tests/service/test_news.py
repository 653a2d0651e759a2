"""The stream of all jobs of a caller, from a service that is stopped and started again meanwhile."""

import json
import signal
import socket
import threading
import time
from contextlib import ExitStack

import psutil
import pytest

from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id


@pytest.fixture
def store(service):
    store = Store(database_url(service.data))
    yield store
    store.close()


def stream(service, after=None, until=None, seen=None):
    """(event, id, data) of the stream after a number, up to the first for which `until` is true."""
    seen = [] if seen is None else seen
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    now = {}
    with service.client.stream("GET", "/v1/events", headers=headers, timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if not line and now:
                seen.append((now.get("event"), now.get("id") and int(now["id"]), json.loads(now["data"])))
                now = {}
                if until and until(seen[-1]):
                    break
            elif line and not line.startswith(":"):
                key, _, value = line.partition(": ")
                now[key] = value
    return seen


def is_of(job, state):
    return lambda each: each[0] == "job" and each[2]["job"] == job and each[2]["state"] == state


def is_deleted(each):
    return each[2].get("state") == "deleted"


def test_each_change_comes_once_in_order_and_a_stream_goes_on_exactly(service, store):
    seen = []
    listening = threading.Thread(target=stream, args=(service, None, is_deleted, seen))
    listening.start()
    while not seen:
        time.sleep(0.02)
    assert seen[0][0] == "hello"
    job = service.submit().json()["id"]
    store.begin(job, "w")
    store.finish(job, 1, "done")
    store.add(JobRow(new_id(), owner="somebody else"))
    service.client.delete(f"/v1/jobs/{job}")
    listening.join(30)
    changes = [each for each in seen if each[0] == "job"]
    assert [each[2]["state"] for each in changes] == ["queued", "running", "done", "deleted"]
    assert {each[2]["job"] for each in changes} == {job}
    numbers = [each[1] for each in changes]
    assert numbers == sorted(set(numbers))
    for known in range(len(changes)):
        after = [seen[0], *changes][known][1]
        assert stream(service, after, is_of(job, "deleted"))[1:] == changes[known:], "also those of the past"


def test_the_progress_of_a_running_job_is_told_without_a_number(service, store):
    job = service.submit().json()["id"]
    store.begin(job, "w")
    events = service.data / "jobs" / job / "run" / "events.jsonl"
    events.parent.mkdir()
    lines = [
        {"name": "coarse/started", "kind": "stage_started", "value": {"stage": "coarse"}},
        {"name": "coarse/fit/progress", "kind": "progress", "value": {"done": 3, "total": 9}},
    ]
    events.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    last = stream(service, None, lambda each: each[0] == "progress" and each[2]["job"] == job)[-1]
    assert last == ("progress", None, {"job": job, "stage": "coarse", "progress": {"done": 3, "total": 9}})
    store.finish(job, 1, "done")


@pytest.mark.parametrize("after", ["x", "-1", "1.5"])
def test_a_bad_number_is_a_problem(after, service):
    assert service.client.get("/v1/events", headers={"Last-Event-ID": after}).status_code == 422


def test_a_number_that_is_not_in_the_log_is_a_gap(service):
    first = stream(service, 10**9, lambda each: True)[0]
    assert first[0] == "gap"
    assert first[1] < 10**9


def test_a_stream_goes_on_after_a_restart_and_ends_with_bye(start):
    first = start("min_free_gb=0", "workers=0", "drain_s=0")
    job = first.submit().json()["id"]
    number = stream(first, 0, is_of(job, "queued"))[-1][1]
    first.stop(signal.SIGKILL)
    second = start("min_free_gb=0", "workers=0", "drain_s=0", data=first.data)
    second.client.post(f"/v1/jobs/{job}/cancel")
    assert [each[2].get("state") for each in stream(second, number, is_of(job, "cancelled"))] == [None, "cancelled"]
    seen = []
    listening = threading.Thread(target=stream, args=(second, None, None, seen))
    listening.start()
    while not seen:
        time.sleep(0.02)
    assert second.stop() == 0
    listening.join(30)
    assert seen[-1][0] == "bye"


def test_two_hundred_idle_listeners_cost_next_to_nothing(service):
    url = service.client.base_url
    with ExitStack() as open_streams:
        for _ in range(200):
            sock = open_streams.enter_context(socket.create_connection((url.host, url.port), timeout=60))
            sock.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
            assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        assert service.client.get("/v1/stats").json()["listeners"] == 200
        server = psutil.Process(service.process.pid)
        before, wall_s = sum(server.cpu_times()[:2]), 5.0
        time.sleep(wall_s)
        used = (sum(server.cpu_times()[:2]) - before) / wall_s
    assert used < 0.05
