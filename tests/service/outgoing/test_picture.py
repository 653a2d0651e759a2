"""`image_url` in a request to predict: each bad one is one problem, and leaves nothing on disk."""

import hashlib
import json
import zlib

import pytest

from vistadream.assets import sample_image

PICTURE = sample_image().read_bytes()
_HEAD = PICTURE[12:16] + (20_000).to_bytes(4, "big") * 2 + PICTURE[24:29]
HUGE = PICTURE[:12] + _HEAD + zlib.crc32(_HEAD).to_bytes(4, "big") + PICTURE[33:]
"""A PNG whose head says that it has 400 megapixels."""


@pytest.fixture(scope="module")
def service(start, one_receiver):
    """A service without workers that may fetch from the receiver."""
    hosts = f"[127.0.0.1:{one_receiver.port},localhost]"
    limits = ("max_upload_mb=2", "outgoing.image_s=0.5")
    return start("min_free_gb=0", "workers=0", "drain_s=0", f"outgoing.allow_hosts={hosts}", *limits)


@pytest.fixture
def asked(service):
    """Asks for a scene of a URL."""

    def ask(url: str, knobs: dict | None = None, files: dict | None = None, **headers: str):
        parts = {"image_url": (None, url), "knobs": (None, json.dumps({"stage": "coarse"} | (knobs or {})))}
        return service.client.post("/v1/predict", files=parts | (files or {}), headers=headers)

    return ask


def test_a_picture_by_its_url_becomes_a_job(service, asked, receiver):
    receiver.answers += [(302, {"Location": "/other"}, b""), (200, {"Content-Type": "text/plain"}, PICTURE)]
    answer = asked(receiver.url("/album/my%20kitchen.png?size=large"))
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["state"], job["input"]) == ("queued", "my_kitchen.png")
    assert (service.data / "jobs" / job["id"] / "input" / "my_kitchen.png").read_bytes() == PICTURE
    assert [each.path for each in receiver.requests] == ["/album/my%20kitchen.png?size=large", "/other"]
    assert service.nothing_is_left()


def test_the_same_key_is_the_same_job_and_fetches_nothing_again(service, asked, receiver):
    receiver.answers += [(200, {}, PICTURE), (200, {}, PICTURE)]
    first = asked(receiver.url("/a"), **{"Idempotency-Key": "by-url"}).json()
    assert asked(receiver.url("/a"), **{"Idempotency-Key": "by-url"}).json()["id"] == first["id"]
    assert len(receiver.requests) == 1
    assert asked(receiver.url("/b"), **{"Idempotency-Key": "by-url"}).status_code == 409
    assert asked(receiver.url("/a"), {"seed": 4}, **{"Idempotency-Key": "by-url"}).status_code == 409


def test_the_digest_of_the_job_is_that_of_the_content(service, asked, receiver):
    from vistadream.service.queue.store import Store

    receiver.answers += [(200, {}, PICTURE)]
    job = asked(receiver.url("/a")).json()
    with_digest = Store(f"sqlite:///{service.data / 'queue.db'}").get(job["id"])
    assert with_digest.digest == hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ((200, {}, b"Dear Sir"), 415, "a.png is not a picture that can be read"),
        ((200, {}, b""), 422, "a.png is empty"),
        ((200, {}, HUGE), 422, "a.png has too many pixels"),
        ((200, {}, PICTURE + bytes(2_000_000)), 413, "127.0.0.1 sends too much; wanted at most 2 MB"),
        ((200, {"Content-Length": str(10**6)}, b"half"), 504, "127.0.0.1 did not answer in 0.5 s"),
        ((200, {"Content-Length": "x"}, b""), 502, "127.0.0.1 cannot be reached"),
        ((404, {}, PICTURE), 502, "127.0.0.1 answered 404"),
        ((302, {"Location": "http://127.0.0.2/"}, b""), 422, "not public"),
        ((302, {"Location": "http://127.0.0.1:22/"}, b""), 422, "names port 22"),
    ],
)
def test_what_cannot_be_used_is_one_problem_and_leaves_nothing(answer, status, said, service, asked, receiver):
    before = service.client.get("/v1/jobs").json()
    receiver.answers.append(answer)
    found = asked(receiver.url("/a.png?token=hidden"))
    assert found.status_code == status, found.text
    assert found.headers["content-type"] == "application/problem+json"
    assert said in found.json()["detail"]
    assert "hidden" not in found.text
    assert service.nothing_is_left()
    assert service.client.get("/v1/jobs").json() == before


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://0/", "http://[::1]/", "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://100.64.0.1/", "http://localhost:6379/",
        "file:///etc/passwd", "http://me:word@example.org/", "photo.jpg", "",
    ],
)  # fmt: skip
def test_a_url_that_is_not_allowed_is_refused(url, service, asked):
    found = asked(url)
    assert found.status_code == 422, found.text
    assert service.nothing_is_left()


def test_there_is_one_source(service, asked, receiver):
    for knobs, files in [({"prompt": "a barn"}, {}), ({}, {"file": PICTURE})]:
        found = asked(receiver.url(), knobs, files)
        assert found.status_code == 422
        assert "are both given; wanted one of them" in found.json()["detail"]
    assert asked(receiver.url(), {"stge": "coarse"}).status_code == 422
    assert receiver.requests == [], "nothing is fetched for a request that fails anyway"
    assert service.nothing_is_left()
