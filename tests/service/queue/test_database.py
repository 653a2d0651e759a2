"""The service on PostgreSQL: one job from the picture to the scene, with its password on no command line."""

import json

import psutil
import pytest

from vistadream.service.queue.store import Store

VARIABLE = "VISTADREAM_TEST_QUEUE"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_job_and_a_later_result_go_through_a_queue_in_postgresql(start, url):
    service = start("min_free_gb=0", "drain_s=0", f"database_env={VARIABLE}", environment={VARIABLE: url})
    job = service.submit({"export": ["gaussians"]}, headers={"Prefer": "wait=100"}, timeout=120).json()
    assert job["state"] == "done", job
    late = service.client.get(f"/v1/jobs/{job['id']}/results/gaussians.splat", params={"wait": 60}, timeout=100)
    assert late.status_code == 200
    states = []
    with service.client.stream("GET", "/v1/events", headers={"Last-Event-ID": "0"}, timeout=60) as stream:
        for line in stream.iter_lines():
            if line.startswith('data: {"job"'):
                states.append(json.loads(line.removeprefix("data: "))["state"])
            if "done" in states:
                break
    assert states == ["queued", "running", "done"]
    server = psutil.Process(service.process.pid)
    assert not [each for each in [server, *server.children(recursive=True)] if url in " ".join(each.cmdline())]
    assert service.stop() == 0
    assert not (service.data / "queue.db").exists()
    store = Store(url)
    assert store.get(job["id"]).state == "done"
    store.close()
