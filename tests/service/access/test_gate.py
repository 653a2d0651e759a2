"""The gate of a real service: sockets, streams, and a log without secrets."""

import base64
import json
import time

import jwt
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from vistadream.core import UserError
from vistadream.service.access.keys import Keys
from vistadream.service.client import Client
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.database import Database

SECRET = "a secret of 32 bytes or even more"


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "stderr"


@pytest.fixture(scope="module")
def service(start, log, tmp_path_factory):
    """A service with a key for tokens and a log that can be read."""
    key = tmp_path_factory.mktemp("jwt") / "key"
    key.write_text(SECRET)
    return start("min_free_gb=0", "workers=0", "drain_s=0", f"jwt.key_file={key}", log=log)


@pytest.fixture(scope="module")
def key(service):
    database = Database(database_url(service.data))
    made = Keys(database).add("a")
    database.close()
    service.client.headers["X-API-Key"] = made.text
    return made


@pytest.fixture(scope="module")
def job(service, key):
    return service.submit().json()["id"]


def test_a_socket_is_opened_with_a_key_or_a_ticket_alone(service, key, job):
    url = f"ws://127.0.0.1:{service.client.base_url.port}/v1/jobs/{job}/ws"
    for refused, headers in ((url, {}), (f"{url}?ticket=x", {}), (url, {"X-API-Key": f"{key.text[:-1]}_"})):
        with pytest.raises(InvalidStatus) as error, connect(refused, additional_headers=headers):
            pass
        answer = error.value.response
        assert answer.status_code == 401
        assert json.loads(answer.body)["request_id"] == answer.headers["x-request-id"]
    ticket = service.client.post(f"/v1/jobs/{job}/ticket").json()["ticket"]
    with connect(f"{url}?ticket={ticket}") as socket:
        socket.send('{"cancel": true}')
        socket.send('{"cancel": true}')
    assert service.client.get(f"/v1/jobs/{job}").json()["state"] == "queued", "a ticket is for reading"
    with service.client.stream("GET", f"/v1/jobs/{job}/events?ticket={ticket}", headers={"X-API-Key": ""}) as stream:
        assert stream.status_code == 200
    with connect(url, additional_headers={"Authorization": f"Bearer {key.text}"}) as socket:
        socket.send('{"cancel": true}')
        assert json.loads(list(socket)[-1]) == {"end": "cancelled"}


def test_an_open_stream_ends_soon_after_its_key_and_others_go_on(service, key, job):
    database = Database(database_url(service.data))
    keys = Keys(database)
    other, began_s = keys.add("a"), time.monotonic()
    events = f"/v1/jobs/{service.submit().json()['id']}/events"
    socket_url = f"ws://127.0.0.1:{service.client.base_url.port}{events.removesuffix('events')}ws"
    ask = service.client.stream
    with (
        ask("GET", events, headers={"X-API-Key": other.text}) as ending,
        ask("GET", events, headers={"X-API-Key": key.text}) as going_on,
        connect(socket_url, additional_headers={"X-API-Key": other.text}) as socket,
    ):
        assert ending.status_code == going_on.status_code == 200
        keys.revoke(other.row.id)
        assert "event: end" not in list(ending.iter_lines()), "the answer ends in order, but not the events"
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=30)
        assert closed.value.rcvd.code == 1008
        assert time.monotonic() - began_s < 20
        service.client.post(f"{events.removesuffix('events')}cancel").raise_for_status()
        assert "event: end" in list(going_on.iter_lines())
    assert service.client.get(events, headers={"X-API-Key": other.text}).status_code == 401
    database.close()


def test_a_body_is_not_read_before_the_key(service, key):
    answer = service.client.post("/v1/predict", content=b"x" * 10_000_000, headers={"X-API-Key": "vd_wrong"})
    assert answer.status_code == 401
    assert service.nothing_is_left()


def test_the_client_sends_the_key_that_it_is_given_or_that_of_the_environment(service, key, job, monkeypatch):
    url = str(service.client.base_url)
    monkeypatch.delenv("VISTADREAM_API_KEY", raising=False)
    with Client(url, key=key.text) as client:
        assert client.job(job)["id"] == job
    with Client(url) as client, pytest.raises(UserError, match="needs an API key"):
        client.job(job)
    monkeypatch.setenv("VISTADREAM_API_KEY", f"{key.text}\n")
    with Client(url) as client:
        assert client.job(job)["id"] == job


def test_nothing_secret_is_in_the_log(service, key, job, log):
    """After requests with keys, tokens, tickets and queries, good and bad ones, some of which are logged as errors."""
    token = jwt.encode({"exp": 9e9, "sub": "querysub", "aud": "vistadream", "scope": "jobs:read"}, SECRET)
    ticket = service.client.post(f"/v1/jobs/{job}/ticket").json()["ticket"]
    seen = [key.text, f"{key.text}x", token, f"{token}x", base64.b64encode(b"user:password").decode()]
    for text in seen:
        for headers in ({"X-API-Key": text}, {"Authorization": f"Bearer {text}"}, {"Authorization": f"Basic {text}"}):
            service.client.get("/v1/jobs?q=myquery", headers=headers)
            service.client.post("/v1/predict?wait=1", headers=headers | {"Cookie": "session=mycookie"})
            service.client.get("/no/route?q=myquery", headers=headers)
    url = f"ws://127.0.0.1:{service.client.base_url.port}/v1/jobs/{job}/ws?ticket={ticket}&q=myquery"
    with connect(url) as socket:
        list(socket)
    with pytest.raises(InvalidStatus), connect(url.replace(ticket, "wrongticket")):
        pass
    (service.data / "drafts").rmdir()
    (service.data / "drafts").write_text("no folder any more")
    fault = service.submit(params={"wait": 0, "q": "myquery"})
    assert fault.status_code == 500
    text = "".join(file.read_text() for file in (log, *(service.data / "logs").iterdir()))
    assert f"request {fault.json()['request_id']} failed" in text
    assert "Traceback" in text
    for secret in (*seen, key.text.split("_", 2)[2], ticket, "wrongticket", "myquery", "mycookie", SECRET):
        assert secret not in text
