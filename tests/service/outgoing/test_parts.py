"""Webhooks of a whole service: its routes, and messages that survive a kill."""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from vistadream.service.outgoing.webhooks import Webhooks
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id

UNKNOWN = "01m8ek6dsn41xvs47ccqzntxje"
DOCS = Path(__file__).parents[3] / "docs" / "service.md"


@pytest.fixture(scope="module")
def words(one_receiver):
    return ("min_free_gb=0", "workers=0", "drain_s=0", f"outgoing.allow_hosts=[{one_receiver.host}]")


@pytest.fixture(scope="module")
def service(start, words):
    """A service without workers that may send to the receiver."""
    return start(*words)


@pytest.fixture
def hook(service, receiver):
    """An endpoint with its secret."""
    added = service.client.post("/v1/webhooks", json={"url": receiver.url("/scenes")})
    assert added.status_code == 201, added.text
    yield added.json()
    service.client.delete(f"/v1/webhooks/{added.json()['id']}")


def end_job(service, state: str = "done", owner: str = "local") -> JobRow:
    """Ends a new job as a worker does."""
    store = Store(f"sqlite:///{service.data / 'queue.db'}")
    job = store.add(JobRow(new_id(), owner=owner, input_name="kitchen.jpg", words=("seed=3",)))
    store.begin(job.id, "w")
    assert store.finish(job.id, 1, state, "no memory" if state == "failed" else None)
    store.close()
    return job


def until(found, within_s: float = 20):
    """What `found` gives once it gives something."""
    end = time.monotonic() + within_s
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def deliveries(service, hook: dict, state: str) -> list[dict]:
    answer = service.client.get(f"/v1/webhooks/{hook['id']}/deliveries").json()
    return [each for each in answer["deliveries"] if each["state"] == state]


def test_the_end_of_a_job_is_delivered_and_can_be_verified_and_sent_again(service, hook, receiver):
    job = end_job(service, "failed")
    (sent,) = until(lambda: deliveries(service, hook, "delivered"))
    (request,) = receiver.requests
    body = Webhook(hook["secret"]).verify(request.body, request.headers)
    assert (body["type"], body["data"]["error"], sent["job_id"]) == ("job.failed", "no memory", job.id)
    listed = next(each for each in service.client.get("/v1/jobs").json()["jobs"] if each["id"] == job.id)
    assert body["data"] == listed, "the job as in a list"
    assert hook["secret"] not in request.body.decode()
    assert (sent["id"], sent["tries"], sent["status"]) == (request.headers["webhook-id"], 1, 200)
    again = service.client.post(f"/v1/webhooks/{hook['id']}/deliveries/{sent['id']}/resend")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    until(lambda: len(receiver.requests) == 2)
    assert receiver.requests[1].headers["webhook-id"] == sent["id"]


def test_a_message_survives_a_kill_between_the_end_of_the_job_and_its_sending(start, words, receiver):
    first = start(*words)
    hook = first.client.post("/v1/webhooks", json={"url": receiver.url(), "events": ["job.done"]}).json()
    first.process.kill()
    first.process.wait()
    job = end_job(first)
    again = start(*words, data=first.data)
    (request,) = until(lambda: list(receiver.requests))
    assert Webhook(hook["secret"]).verify(request.body, request.headers)["data"]["id"] == job.id
    until(lambda: deliveries(again, hook, "delivered"))


def test_the_webhook_of_one_job(service, receiver):
    key = {"Idempotency-Key": "with-webhook"}
    parts = {"webhook_url": receiver.url("/one")}
    job = service.submit(parts=parts, headers=key).json()
    assert service.submit(parts=parts, headers=key).json()["webhook"] == job["webhook"], "an answer that was lost"
    assert service.submit(parts={"webhook_url": receiver.url("/two")}, headers=key).status_code == 409
    assert service.client.get(f"/v1/jobs/{job['id']}").json()["webhook"] is None
    assert service.client.get("/v1/webhooks").json() == {"webhooks": []}
    service.client.post(f"/v1/jobs/{job['id']}/cancel")
    end_job(service)
    (request,) = until(lambda: list(receiver.requests))
    body = Webhook(job["webhook"]["secret"]).verify(request.body, request.headers)
    assert (body["type"], body["data"]["id"], request.path) == ("job.cancelled", job["id"], "/one")
    assert [each["job_id"] for each in until(lambda: deliveries(service, job["webhook"], "delivered"))] == [job["id"]]


def test_a_test_enables_an_endpoint_that_was_gone(service, hook, receiver):
    receiver.answers.append((410, {}, b""))
    end_job(service)
    (gone,) = until(lambda: deliveries(service, hook, "failed"))
    assert [each["disabled"] for each in service.client.get("/v1/webhooks").json()["webhooks"]] == [True]
    resend = f"/v1/webhooks/{hook['id']}/deliveries/{gone['id']}/resend"
    assert service.client.post(resend).status_code == 409
    receiver.answers.append((500, {}, b""))
    test = f"/v1/webhooks/{hook['id']}/test"
    assert service.client.post(test).json() == {
        "delivered": False,
        "status": 500,
        "error": "the receiver answered 500; wanted 200 to 299",
    }
    assert service.client.post(test).json() == {"delivered": True, "status": 200, "error": None}
    passed = receiver.requests[-1]
    assert Webhook(hook["secret"]).verify(passed.body, passed.headers)["type"] == "webhook.test"
    assert service.client.post(resend).status_code == 202
    until(lambda: deliveries(service, hook, "delivered"))


def test_a_secret_is_shown_once_and_replaced_by_rotation(service, hook, receiver):
    assert "secret" not in service.client.get("/v1/webhooks").json()["webhooks"][0]
    new = service.client.post(f"/v1/webhooks/{hook['id']}/rotate").json()
    assert new["secret"] != hook["secret"]
    service.client.post(f"/v1/webhooks/{hook['id']}/test")
    (request,) = receiver.requests
    for secret in (hook["secret"], new["secret"]):
        Webhook(secret).verify(request.body, request.headers)


def test_clients_of_mlsharp_name_an_event(service, hook, receiver):
    ask = service.client
    for path in ("/old", "/new"):
        asked = {"event_type": "task_completed", "url": receiver.url(path)}
        added = ask.post("/v1/webhooks", json=asked).raise_for_status().json()
    urls = [each["url"] for each in ask.get("/v1/webhooks").json()["webhooks"]]
    assert urls == [receiver.url("/new"), hook["url"]], "the other one is replaced"
    end_job(service)
    until(lambda: deliveries(service, added, "delivered"))
    removed = ask.delete("/v1/webhooks/task_completed").raise_for_status().json()
    assert removed == {"status": "success", "message": "1 webhook was removed"}
    assert ask.delete("/v1/webhooks/task_failed").json()["message"] == "0 webhooks were removed"
    assert [each["id"] for each in ask.get("/v1/webhooks").json()["webhooks"]] == [hook["id"]]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "url: Field required"),
        ([], 400, "is not an object"),
        ({"url": 3}, 422, "url"),
        ({"url": "https://a.example/", "events": ["job.begun"]}, 422, "events.0"),
        ({"url": "https://a.example/", "events": []}, 422, "events"),
        ({"url": "https://a.example/", "event_type": "task_begun"}, 422, "event_type"),
        ({"url": "https://a.example/", "secret": "mine"}, 422, "secret"),
        ({"url": "x" * 70_000}, 413, "too long"),
        *(
            ({"url": url}, 422, "wanted")
            for url in (
                "ftp://a.example/", "http://2130706433/", "http://0x7f.1/", "http://localhost/", "http://0/", "http://[::1]/",
                "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://169.254.169.254/", "http://100.64.0.1/",
                "http://127.0.0.1/", "http://[2002:7f00:1::1]/", "http://me:word@a.example/", "http://10.0.0.1:25/",
            )
        ),
    ],
)  # fmt: skip
def test_a_bad_endpoint_is_a_problem(body, status, said, service):
    answer = service.client.post("/v1/webhooks", json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]
    assert service.client.get("/v1/webhooks").json() == {"webhooks": []}


@pytest.mark.parametrize("url", ["", "ftp://a.example/", "http://0x7f.1/", "http://10.0.0.1:25/"])
def test_a_job_with_a_bad_endpoint_is_not_taken(url, service):
    before = service.client.get("/v1/jobs").json()
    answer = service.submit(parts={"webhook_url": url})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert service.client.get("/v1/jobs").json() == before
    assert not list((service.data / "drafts").iterdir())


@pytest.mark.parametrize("webhook", [UNKNOWN, "x", "%2e%2e", "a" * 64, "theirs"])
def test_an_unknown_endpoint_is_404_on_every_route(webhook, service, receiver):
    if webhook == "theirs":
        store = Store(f"sqlite:///{service.data / 'queue.db'}")
        webhook = Webhooks(store.database).add("somebody else", receiver.url(), ["job.done"]).id
        store.close()
    for method, route in [
        ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate"), ("GET", "/deliveries"),
        ("POST", f"/deliveries/{UNKNOWN}/resend"),
    ]:  # fmt: skip
        answer = service.client.request(method, f"/v1/webhooks/{webhook}{route}")
        assert answer.status_code in (404, 405), (method, route)
    assert receiver.requests == []


def test_an_unknown_message_is_404(service, hook):
    assert service.client.post(f"/v1/webhooks/{hook['id']}/deliveries/{UNKNOWN}/resend").status_code == 404


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_receivers_of_the_docs_verify(language, service, hook, receiver, free_port, tmp_path):
    """The programs of docs/service.md, with a message of the service, and with one that somebody changed."""
    end_job(service)
    (request,) = until(lambda: list(receiver.requests))
    program = re.search(rf"```{language}\n(\S+ webhook.*?)```", DOCS.read_text(), re.DOTALL)[1]
    command = {"python": sys.executable, "javascript": shutil.which("node")}[language]
    if command is None:
        pytest.skip("node is not installed")
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "SECRET": hook["secret"]}
    process = subprocess.Popen([command, "-"], stdin=subprocess.PIPE, env=environment, text=True)
    process.stdin.write(program)
    process.stdin.close()

    def post(body: bytes) -> int:
        headers = {name: value for name, value in request.headers.items() if name.startswith("webhook-")}
        with suppress(httpx.TransportError):
            return httpx.post(f"http://127.0.0.1:{port}/", content=body, headers=headers, trust_env=False).status_code

    try:
        assert until(lambda: post(request.body)) == 204
        assert post(request.body.replace(b"seed=3", b"seed=4")) == 400
    finally:
        process.kill()
        process.wait()
