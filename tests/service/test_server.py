"""A job from the picture to the scene, over HTTP, by the real pipeline; and how the service ends."""

import hashlib
import json
import signal
import threading
import time

import pytest
from websockets.sync.client import connect

from vistadream.formats.ply import read_ply

SLOW = {"stage": "coarse", "max_resolution": 96, "stages.initialize.steps": 4000}


@pytest.fixture(scope="module")
def service(start):
    """A service with one worker."""
    return start("min_free_gb=0", "drain_s=0")


@pytest.fixture(scope="module")
def job(service):
    """A job that is done."""
    answer = service.submit(headers={"Prefer": "wait=100"}, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json()


def events_of(service, job_id, after=None, until=None):
    """(id, event, data) of a stream, up to the first event called `until`, or to its end."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    found, now = [], {}
    with service.client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers, timeout=120) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if not line and now:
                found.append((now.get("id"), now.get("event"), json.loads(now["data"])))
                now = {}
                if found[-1][1] == until is not None:
                    return found
            elif line and not line.startswith(":"):
                key, _, value = line.partition(": ")
                now[key] = value
    return found


def test_a_picture_becomes_a_scene(job, service):
    assert job["state"] == "done", job["error"]
    assert (job["status"], job["attempts"]) == ("success", 1)
    assert job["processing_time"] > 0
    assert job["figures"]["gaussians"] > 0
    assert {"gaussians.ply", "metrics.json", "report.html", "stages/initialize.ply"} <= {
        r["name"] for r in job["results"]
    }
    assert len(job["results"]) == len(service.client.get(f"/v1/jobs/{job['id']}/results").json()["results"])


def test_the_scene_is_the_file_of_the_run(job, service, tmp_path):
    got = service.client.get(job["url"])
    on_disk = service.data / "jobs" / job["id"] / "run" / "export" / "gaussians.ply"
    assert got.content == on_disk.read_bytes()
    (tmp_path / "a.ply").write_bytes(got.content)
    assert len(read_ply(tmp_path / "a.ply")) == job["figures"]["gaussians"]
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"] == f'attachment; filename="sample_{job["id"][-6:]}_gaussians.ply"'
    assert got.headers["x-content-type-options"] == "nosniff"


def test_a_file_is_read_in_ranges_and_once(job, service):
    whole = service.client.get(job["url"])
    half = len(whole.content) // 2
    first = service.client.get(job["url"], headers={"Range": f"bytes=0-{half - 1}"})
    rest = service.client.get(job["url"], headers={"Range": f"bytes={half}-", "If-Range": whole.headers["etag"]})
    assert first.status_code == rest.status_code == 206
    assert first.content + rest.content == whole.content
    again = service.client.get(job["url"], headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


BAD_RANGES = {
    "bytes=999999999-": 416,
    "bytes=-0": 416,
    "bytes=0-1,999999999-": 416,
    "bytes=x-y": 400,
    "bytes=5-2": 400,
    "bytes=": 400,
    "lines=1-2": 400,
    "bytes=" + ",".join(["0-1"] * 99): 400,
}


@pytest.mark.parametrize(("asked", "status"), BAD_RANGES.items())
def test_a_range_that_is_none_is_a_problem(asked, status, job, service):
    answer = service.client.get(job["url"], headers={"Range": asked})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "name",
    ["../run.json", "..%2frun.json", "%2e%2e%2f%2e%2e%2fqueue.db", "%252e%252e/x", "run.json", "config.yaml", "run.log",
     "/etc/passwd", "%2fetc%2fpasswd", "export/gaussians.ply", "gaussians.ply/", "a" * 5000, "%00", ""],
)  # fmt: skip
def test_only_names_of_the_list_are_files(name, job, service):
    answer = service.client.get(f"/v1/jobs/{job['id']}/results/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_report_reaches_nothing_of_the_service(job, service):
    page = service.client.get(f"/v1/jobs/{job['id']}/results/report.html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


def test_the_log_is_that_of_the_run(job, service):
    text = service.client.get(f"/v1/jobs/{job['id']}/log").text
    assert "initialize" in text


def test_what_jobs_took_is_in_the_figures_and_says_how_long_the_next_one_takes(job, service):
    facts = json.loads((service.data / "jobs" / job["id"] / "run" / "run.json").read_text())
    stats = service.client.get("/v1/stats").json()
    assert stats["jobs_per_hour"] >= 1
    assert stats["stage_seconds"].keys() == {"start", "load", "initialize", "delivery"}
    assert 0 < stats["job_seconds"]["p50"] <= stats["job_seconds"]["p95"]
    assert stats["queue_wait_seconds"]["p50"] >= 0
    assert stats["cache"]["hits"] >= 0
    assert stats["workers"]["alive"] == 1
    metrics = service.client.get("/metrics").text
    assert f'vistadream_stage_seconds_count{{stage="load"}} {stats["jobs"]["done"]}.0' in metrics
    assert f"vistadream_job_seconds_count {stats['jobs']['done']}.0" in metrics
    unknown = service.submit(SLOW).json()
    known = service.submit({"seed": 7}).json()
    assert unknown["seconds_left"] is None
    took_s = sum(stage["seconds"] for stage in facts["stages"].values())
    assert known["seconds_left"] == pytest.approx(took_s, abs=2)
    for each in (unknown, known):
        service.client.post(f"/v1/jobs/{each['id']}/cancel")
        service.wait_for(each["id"], "cancelled")


def test_the_ids_of_request_and_job_are_in_every_log(service):
    answer = service.submit(headers={"Prefer": "wait=100", "X-Request-ID": "from-the-proxy"}, timeout=120)
    job_id = answer.json()["id"]
    worker = (service.data / "logs" / "worker-cpu0.log").read_text().splitlines()
    lines = [line for line in map(json.loads, worker) if line["job_id"] == job_id]
    assert [line["message"] for line in lines] == ["the job begins", "the job ends"]
    assert {line["request_id"] for line in lines} == {"from-the-proxy"}
    assert f"job {job_id}, request from-the-proxy, attempt 1" in service.client.get(f"/v1/jobs/{job_id}/log").text


def test_events_are_the_lines_of_the_file_and_end_with_the_state(job, service):
    lines = (service.data / "jobs" / job["id"] / "run" / "events.jsonl").read_text().splitlines()
    *events, last = events_of(service, job["id"])
    assert [data for _, _, data in events] == [json.loads(line) for line in lines]
    assert [int(number) for number, _, _ in events] == list(range(1, len(lines) + 1))
    assert last[1:] == ("end", {"state": "done"})


@pytest.mark.parametrize("after", [0, 1, 3, 10**9])
def test_a_stream_goes_on_exactly_after_the_last_event(after, job, service):
    whole = events_of(service, job["id"])
    assert events_of(service, job["id"], after) == whole[min(after, len(whole) - 1) :]


@pytest.mark.parametrize("after", ["x", "-1", "1.5"])
def test_a_bad_last_event_is_a_problem(after, job, service):
    assert service.client.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": after}).status_code == 422


def test_a_socket_has_the_same_lines(job, service):
    lines = (service.data / "jobs" / job["id"] / "run" / "events.jsonl").read_text().splitlines()
    with connect(f"ws://127.0.0.1:{service.client.base_url.port}/v1/jobs/{job['id']}/ws?after=2") as socket:
        got = list(socket)
    assert got[:-1] == lines[2:]
    assert json.loads(got[-1]) == {"end": "done"}


def test_many_listeners_see_a_job_while_it_runs_and_cancel_it(service):
    slow = service.submit(SLOW).json()["id"]
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(events_of(service, slow))) for _ in range(5)]
    for thread in threads:
        thread.start()
    service.wait_for(slow, "running")
    with connect(f"ws://127.0.0.1:{service.client.base_url.port}/v1/jobs/{slow}/ws") as socket:
        for text in socket:
            if json.loads(text).get("kind") == "progress":
                break
        running = service.client.get(f"/v1/jobs/{slow}").json()
        assert (running["stage"], running["progress"]["total"]) == ("initialize", 4000)
        assert service.client.delete(f"/v1/jobs/{slow}").status_code == 409
        began_s = time.monotonic()
        socket.send('{"cancel": true}')
        last = json.loads(list(socket)[-1])
    assert last == {"end": "cancelled"}
    assert time.monotonic() - began_s < 15, "5 s are promised on a quiet machine"
    for thread in threads:
        thread.join(30)
    assert len(seen) == 5
    assert all(each == seen[0] for each in seen)
    assert seen[0][-1][1:] == ("end", {"state": "cancelled"})


def test_a_cancelled_job_goes_on_with_other_knobs(service):
    slow = service.submit(SLOW).json()["id"]
    service.wait_for(slow, "running")
    service.client.post(f"/v1/jobs/{slow}/cancel")
    assert service.wait_for(slow, "cancelled")["results"] is not None
    knobs = {"stages.initialize.steps": 1, "stage": "no-outpaint"}
    assert service.client.post(f"/v1/jobs/{slow}/resume", json={"knobs": knobs}).status_code == 202
    assert service.wait_for(slow, "done", "failed")["state"] == "done"


def test_a_picture_that_breaks_in_the_worker_is_the_sentence_of_the_command_line(service):
    from vistadream.assets import sample_image

    half = sample_image().read_bytes()[:5000]
    answer = service.client.post("/v1/predict", files={"file": ("a.png", half)}, params={"wait": 60}, timeout=120)
    job = answer.json()
    assert (job["state"], job["status"]) == ("failed", "error")
    assert job["error"].startswith("a.png is damaged or truncated"), "without the path on the server"


def test_a_stopped_service_says_bye_and_takes_no_job_and_at_the_second_signal_ends_now(start):
    first = start("min_free_gb=0", "drain_s=300")
    slow, waiting = (first.submit(knobs).json()["id"] for knobs in (SLOW, {}))
    first.wait_for(slow, "running")
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(events_of(first, slow))) for _ in range(20)]
    for thread in threads:
        thread.start()
    while first.client.get("/v1/stats").json()["listeners"] < 20:
        time.sleep(0.05)
    first.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(30)
    assert [each[-1][1:] for each in seen] == [("bye", {})] * 20
    refused = first.submit()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert first.client.get(f"/v1/jobs/{slow}").json()["state"] == "running", "it still answers"
    began_s = time.monotonic()
    assert first.stop() == 0
    assert time.monotonic() - began_s < 20
    second = start("min_free_gb=0", "drain_s=0", data=first.data)
    assert second.wait_for(slow, "running")["attempts"] == 2
    assert second.client.post(f"/v1/jobs/{slow}/cancel").status_code == 202
    assert second.wait_for(waiting, "done", "failed")["state"] == "done"


def test_a_job_that_runs_has_time_to_end(start):
    running = start("min_free_gb=0", "drain_s=300")
    slow = running.submit(SLOW | {"stage": "no-outpaint", "stages.initialize.steps": 100}).json()["id"]
    running.wait_for(slow, "running")
    assert running.stop() == 0
    run = json.loads((running.data / "jobs" / slow / "run" / "run.json").read_text())
    assert run["status"] == "finished"


def test_the_stage_is_known_from_its_progress_when_it_began_long_ago(job, service):
    events = service.data / "jobs" / job["id"] / "run" / "events.jsonl"
    whole = events.read_bytes()
    line = {"name": "coarse/fit/progress", "step": None, "kind": "progress", "value": {"done": 3, "total": 9}}
    try:
        events.write_bytes(whole + f"{json.dumps(line)}\n".encode() * 1000 + b'{"half')
        assert service.client.get(f"/v1/jobs/{job['id']}").json()["stage"] == "coarse"
    finally:
        events.write_bytes(whole)


def test_the_digest_of_the_input_is_kept(job, service):
    from vistadream.assets import sample_image
    from vistadream.service.queue.claims import database_url
    from vistadream.service.queue.store import Store

    store = Store(database_url(service.data))
    assert store.get(job["id"]).digest == hashlib.sha256(sample_image().read_bytes()).hexdigest()
    store.close()


def test_workers_auto_is_the_number_that_was_measured_here(monkeypatch):
    from vistadream.config.own_file import own_knobs
    from vistadream.service import server
    from vistadream.service.knobs import ServeKnobs
    from vistadream.workers.tuning import Choice, Option

    def workers(*words):
        return server._workers(own_knobs("serve", ServeKnobs, words))

    monkeypatch.setattr(server, "visible_gpus", list)
    monkeypatch.setattr(server, "kept_choice", lambda: None)
    monkeypatch.setattr(server, "tuned", lambda say: Choice(Option(4, 1), [], []))
    assert (workers(), workers("tune=auto"), workers("workers=3", "tune=auto")) == ("auto", 4, 3)
    monkeypatch.setattr(server, "kept_choice", lambda: Choice(Option(2, 1), [], []))
    assert workers() == 2
    monkeypatch.setattr(server, "visible_gpus", lambda: ["GPU-1"])
    assert workers() == "auto"
