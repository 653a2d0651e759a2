"""Each request is one line of the log and counts once, under names that nobody from outside can add to."""

import json
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

JOB = "01m8ek6dsn41xvs47ccqzntxje"
SECRET = "Zm9vYmFyLXNlY3JldA"
STATUSES = {"1xx", "2xx", "3xx", "4xx", "5xx", "none"}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET", "other"}


@pytest.fixture(scope="module")
def asked(service):
    """The service after odd requests."""
    http = service.client
    headers = {"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}", "X-API-Key": f"vd_a_{SECRET}"}
    for path in (
        f"/v1/jobs/{JOB}",
        f"/{SECRET}/{JOB}",
        "/v1/jobs/../../etc/passwd",
        f"/metrics/{JOB}",
        f"/v1/jobs/{JOB}/results/a/b",
    ):
        for method in ("GET", "DELETE", "PATCH", "QUERY", JOB[:9].upper()):
            http.request(method, path, params={"token": SECRET, "job": JOB}, headers=headers)
    http.get("/v1/ready", headers={"Host": f"{JOB}.example.org"})
    http.post("/v1/predict", headers={"Origin": f"https://{JOB}.example.org"})
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{http.base_url.port}/v1/jobs/{JOB}/ws?token={SECRET}"):
        pass
    time.sleep(0.1)
    return service


def lines_of(service):
    return [json.loads(line) for line in (service.data / "logs" / "serve.log").read_text().splitlines()]


def test_labels_are_bounded_whatever_is_asked(asked):
    text = asked.client.get("/metrics").text
    assert JOB not in text.lower()
    assert SECRET not in text
    assert str(asked.data) not in text
    paths = asked.client.get("/openapi.json").json()["paths"]
    routes = {*paths, "/v1/jobs/{job_id}/ws", "other"}
    known = {"route": routes, "method": METHODS, "status": STATUSES}
    for family in text_string_to_metric_families(text):
        assert family.name.startswith("vistadream_")
        assert family.documentation
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert value in known.get(label, {value}), (sample.name, label)


def test_a_request_is_counted_once_with_its_time(asked):
    def figures():
        families = text_string_to_metric_families(asked.client.get("/metrics").text)
        return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}

    before = figures()
    asked.client.get(f"/v1/jobs/{JOB}")
    after = figures()
    count = ("vistadream_requests_total", ("method", "GET"), ("route", "/v1/jobs/{job_id}"), ("status", "4xx"))
    timed = ("vistadream_request_seconds_count", ("route", "/v1/jobs/{job_id}"))
    assert [after[each] - before.get(each, 0) for each in (count, timed)] == [1, 1]


def test_a_request_is_one_line_without_its_path_and_secrets(asked):
    answer = asked.client.get(f"/v1/jobs/{JOB}", params={"token": SECRET}, headers={"X-Request-ID": "named-by-proxy"})
    time.sleep(0.1)
    (line,) = [line for line in lines_of(asked) if line.get("request_id") == "named-by-proxy"]
    wanted = {
        "route": "/v1/jobs/{job_id}",
        "method": "GET",
        "status": 404,
        "bytes": len(answer.content),
        "owner": "local",
    }
    assert wanted.items() <= line.items()
    assert line["logger"] == "vistadream.service.access"
    assert 0 < line["duration_ms"] < 60_000
    text = (asked.data / "logs" / "serve.log").read_text()
    assert SECRET not in text
    assert JOB not in text.lower()


def test_states_of_jobs_and_the_disk_are_read_when_asked(asked):
    queued = asked.submit().json()["id"]
    lines = asked.client.get("/metrics").text.splitlines()
    assert 'vistadream_jobs{state="queued"} 1.0' in lines
    asked.client.post(f"/v1/jobs/{queued}/cancel")
    lines = asked.client.get("/metrics").text.splitlines()
    assert {'vistadream_jobs{state="queued"} 0.0', 'vistadream_jobs{state="cancelled"} 1.0'} <= set(lines)
    (free,) = [line.split()[1] for line in lines if line.startswith("vistadream_disk_free_bytes ")]
    assert float(free) > 0
