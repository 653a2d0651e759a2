"""Who may ask: names that the service answers to, and pages that may change something."""

import socket

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

JOB = "/v1/jobs/01m8ek6dsn41xvs47ccqzntxje"


@pytest.fixture(scope="module")
def behind_proxy(start):
    """A service that another name and one web origin are allowed to use."""
    return start(
        "min_free_gb=0", "drain_s=0", "allow_hosts=[scenes.example.org]", "allow_origins=['https://g.example.org']"
    )


@pytest.mark.parametrize(
    "host", ["evil.example.org", "evil.example.org:80", "127.0.0.1.evil.example.org", "127.0.0.1:x", ""]
)
def test_another_name_is_refused_on_every_route(host, service):
    for route in ("/v1/ready", "/v1/jobs", "/openapi.json", "/nowhere"):
        answer = service.client.get(route, headers={"Host": host})
        assert answer.status_code == 421
        assert "wanted one of 127.0.0.1" in answer.json()["detail"]


def test_own_names_are_answered_with_any_port(service):
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"):
        assert service.client.get("/v1/ready", headers={"Host": host}).status_code == 200


def test_a_request_without_a_host_is_refused(service):
    with socket.create_connection((service.client.base_url.host, service.client.base_url.port), timeout=30) as sock:
        sock.sendall(b"GET /v1/ready HTTP/1.0\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize(
    "origin", ["https://evil.example.org", "null", "http://127.0.0.1:1", "file://", "http://localhost"]
)
def test_a_page_of_another_origin_changes_nothing(origin, service):
    for method, route in (
        ("POST", "/v1/predict"),
        ("POST", f"{JOB}/cancel"),
        ("POST", f"{JOB}/resume"),
        ("DELETE", JOB),
    ):
        answer = service.client.request(method, route, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "may not change anything here" in answer.json()["detail"]
    port = service.client.base_url.port
    with pytest.raises(InvalidStatus) as error, connect(f"ws://127.0.0.1:{port}{JOB}/ws", origin=origin):
        pass
    assert error.value.response.status_code == 403


def test_a_page_without_an_origin_is_known_by_the_browser(service):
    assert service.client.post(f"{JOB}/cancel", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert service.client.post(f"{JOB}/cancel", headers={"Sec-Fetch-Site": "none"}).status_code == 404


def test_the_own_origin_and_programs_may_ask(service):
    own = str(service.client.base_url).rstrip("/")
    assert service.client.post(f"{JOB}/cancel", headers={"Origin": own}).status_code == 404
    assert service.client.post(f"{JOB}/cancel").status_code == 404


def test_no_answer_lets_pages_of_others_read(service):
    answer = service.client.options("/v1/jobs", headers={"Origin": "https://evil.example.org"})
    assert answer.status_code == 405
    read = service.client.get("/v1/jobs", headers={"Origin": "https://evil.example.org"})
    assert not [name for name in (*answer.headers, *read.headers) if name.startswith("access-control")]


def test_names_and_origins_can_be_allowed(behind_proxy):
    ask = behind_proxy.client
    assert ask.get("/v1/ready", headers={"Host": "scenes.example.org"}).status_code == 200
    named = {"Host": "scenes.example.org", "Origin": "https://g.example.org"}
    assert ask.post(f"{JOB}/cancel", headers=named).status_code == 404
    assert ask.post(f"{JOB}/cancel", headers=named | {"Origin": "https://h.example.org"}).status_code == 403


def test_every_answer_has_an_id_which_a_proxy_may_choose(service):
    ids = {service.client.get("/v1/ready").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5
    assert service.client.get("/v1/ready", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    odd = service.client.get("/nowhere", headers={"X-Request-ID": "a b<script>"})
    assert odd.json()["request_id"] == odd.headers["x-request-id"] != "a b<script>"
    assert odd.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "route", ["/x", "/v1", "/v1/", "/v1/jobs/", "/docs", "/redoc", "/v1/jobs/x/y", "/v1/../etc/passwd"]
)
def test_what_is_no_route_is_a_problem(route, service):
    answer = service.client.get(route)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_method_is_a_problem_that_names_those_there_are(service):
    answer = service.client.put("/v1/predict")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["title"] == "Method Not Allowed"
