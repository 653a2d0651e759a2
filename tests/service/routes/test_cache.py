"""The cache over HTTP, with a real worker: what is run once, and what is run again."""

import json
from pathlib import Path

import pytest
from tests.service.conftest import Running


@pytest.fixture(scope="module")
def service(start) -> Running:
    """A service with one worker and the cache."""
    return start("min_free_gb=0", "workers=1", "drain_s=0", "cache.enabled=true")


@pytest.fixture(scope="module")
def first(service) -> dict:
    """A job that was run; two equal ones came while it was under way."""
    job = service.submit().json()
    for other in (service.submit().json(), service.submit().json()):
        assert other["state"] == "queued"
        assert other["joined"] == job["id"]
    return service.wait_for(job["id"], "done", "failed")


def results(service: Running, job: dict) -> dict[str, bytes]:
    return {each["name"]: service.client.get(each["url"]).content for each in job["results"]}


def test_equal_jobs_are_run_once_and_end_with_the_first(service, first):
    assert (first["state"], first["cached_from"], first["attempts"]) == ("done", None, 1)
    listed = service.client.get("/v1/jobs").json()["jobs"]
    for job in (service.wait_for(each["id"], "done") for each in listed if each["id"] != first["id"]):
        assert (job["cached_from"], job["joined"]) == (first["id"], None)
        assert results(service, job) == results(service, first)
    assert len(listed) == 3
    assert service.client.get("/v1/cache").json()["entries"] == 1


def test_a_known_result_is_a_new_job_that_is_done_at_once_with_the_same_bytes(service, first):
    answer = service.submit({"seed": 5})  # which nothing of this job reads
    job = answer.json()
    assert answer.status_code == 200
    assert (job["state"], job["cached_from"], job["figures"]) == ("done", first["id"], first["figures"])
    assert job["id"] != first["id"]
    assert results(service, job) == results(service, first)
    own, other = (service.data / "jobs" / each["id"] / "run" / "export" / "gaussians.ply" for each in (job, first))
    assert own.samefile(other), "a link takes no space"
    events = service.client.get(f"/v1/jobs/{job['id']}/events").text
    assert '"state": "done"' in events
    assert first["id"] not in events + service.client.get(f"/v1/jobs/{job['id']}/log").text


@pytest.mark.parametrize("how", [{"params": {"cache": "false"}}, {"headers": {"Cache-Control": "max-age=0, no-cache"}}])
def test_a_fresh_run_can_be_asked_for(how, service, first):
    job = service.submit(**how).json()
    assert (job["state"], job["joined"]) == ("queued", None)
    service.client.post(f"/v1/jobs/{job['id']}/cancel")
    assert service.wait_for(job["id"], "cancelled", "done")["cached_from"] is None


def test_other_knobs_of_a_stage_or_of_the_results_are_another_run(service, first):
    for job in (service.submit({"stages.initialize.steps": 2}).json(), service.submit({"flight.frames": 3}).json()):
        assert job["state"] in ("queued", "running")
        service.client.post(f"/v1/jobs/{job['id']}/cancel")
        service.wait_for(job["id"], "cancelled", "done")


def test_a_job_from_the_cache_is_resumed_as_its_own_and_the_result_stays(service, first):
    job = service.submit().json()
    before = results(service, first)
    formats = {"knobs": {"export": ["gaussians", "metrics", "report", "npz"]}}
    assert service.client.post(f"/v1/jobs/{job['id']}/resume", json=formats).status_code == 202
    job = service.wait_for(job["id"], "done", "failed")
    assert (job["state"], job["cached_from"]) == ("done", None)
    assert set(results(service, job)) > set(before)
    lines = [json.loads(line) for line in (service.data / "jobs" / job["id"] / "run" / "events.jsonl").open()]
    assert all(line["value"]["resumed"] for line in lines if line["kind"] == "stage_finished" and line["seq"] > 31)
    assert results(service, service.submit().json()) == before


def test_the_cache_outlives_its_jobs_and_is_cleared(service, first):
    for job in service.client.get("/v1/jobs").json()["jobs"]:
        service.client.delete(f"/v1/jobs/{job['id']}")
    figures = service.client.get("/v1/cache").json()
    assert figures["entries"] >= 1
    assert 0 < figures["bytes"] < figures["max_bytes"] == 10_000_000_000
    assert figures["hits"] >= 1
    assert service.submit().json()["cached_from"] == first["id"]
    removed = service.client.post("/v1/cache/clear").json()
    assert removed == {"entries": figures["entries"], "bytes": figures["bytes"]}
    assert service.client.get("/v1/cache").json()["entries"] == 0
    assert list(Path(service.data / "cache").iterdir()) == []
