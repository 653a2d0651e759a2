"""Batches over HTTP, with nobody who works: all pictures become jobs, or none."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vistadream.assets import sample_image
from vistadream.service.client import Client
from vistadream.service.queue.store import Store

PICTURE = sample_image().read_bytes()
UNKNOWN = "01m8ek6dsn41xvs47ccqzntxje"


@pytest.fixture(scope="module")
def service(start):
    """A service without workers, with small limits and the cache."""
    small = ["batches.max_files=6", "batches.max_upload_mb=8", "batches.max_unpacked_mb=6"]
    return start("min_free_gb=0", "workers=0", "drain_s=0", "cache.enabled=true", *small)


@pytest.fixture(autouse=True)
def emptied(service):
    """Each test begins and ends without batches, and with nothing on disk."""
    yield
    for batch in service.client.get("/v1/batches").json()["batches"]:
        assert service.client.delete(f"/v1/batches/{batch['id']}").status_code == 204
    assert service.client.get("/v1/jobs").json()["jobs"] == []
    assert service.nothing_is_left()


def add(service, files, knobs=None, **how):
    parts = [("file", file) for file in files]
    data = {"knobs": json.dumps({"stage": "no-outpaint", **(knobs or {})}), **how.pop("data", {})}
    return service.client.post("/v1/batches", files=parts, data=data, **how)


def zip_of(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_many_pictures_are_many_jobs_in_their_order(service):
    answer = add(service, [(f"photo{n}.png", PICTURE) for n in (3, 1, 2)], {"seed": 3}, data={"priority": "5"})
    batch = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/batches/{batch['id']}"
    assert (batch["state"], batch["counts"]) == ("running", {"queued": 3})
    assert [each["folder"] for each in batch["jobs"]] == ["photo3", "photo1", "photo2"]
    places = [service.client.get(f"/v1/jobs/{each['job_id']}").json() for each in batch["jobs"]]
    assert [job["place"] for job in places] == [1, 2, 3]
    assert all({"seed=3", "stage=no-outpaint"} <= set(job["words"]) and job["priority"] == 5 for job in places)
    assert [job["joined"] for job in places] == [None, places[0]["id"], places[0]["id"]], "equal ones are run once"
    assert service.client.get(answer.headers["location"]).json() == batch
    kept = service.data / "jobs" / batch["jobs"][1]["job_id"] / "input" / "photo1.png"
    assert kept.read_bytes() == PICTURE


def test_a_zip_is_many_jobs_too(service):
    content = zip_of(**{"a/kitchen.png": PICTURE, "b/kitchen.png": PICTURE, "__MACOSX/x": b"x"})
    batch = add(service, [("photos.zip", content)]).json()
    assert [each["folder"] for each in batch["jobs"]] == ["kitchen", "kitchen-2"]


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ([], 422, "there are no pictures"),
        ([("a.png", PICTURE), ("b.png", b"Dear Sir"), ("c.png", b"")], 422, "2 of 3 files cannot be used: b.png is"),
        ([("a.png", PICTURE)] * 7, 400, "more than 6 files"),
        ([("a.png", PICTURE), ("b.zip", zip_of(a=PICTURE))], 422, "b.zip is not a picture"),
        ([("a.zip", zip_of())], 422, "the zip is empty"),
        ([("a.zip", zip_of(a=PICTURE, b=b"text"))], 422, "1 of 2 files cannot be used: b is not a picture"),
        ([("a.zip", zip_of(**{"../../a": PICTURE}))], 422, "leads out of the zip"),
        ([("a.zip", zip_of(a=bytes(5_000_000)))], 422, "times as large"),
        ([("a.zip", zip_of(a=zip_of(b=PICTURE)))], 422, "is a zip; wanted pictures"),
        ([("a.zip", zip_of(**{f"a{n}": PICTURE for n in range(7)}))], 422, "7 files; wanted at most 6"),
        ([("a.png", bytes(9_000_000))], 413, "at most 8 MB"),
    ],
)  # fmt: skip
def test_a_bad_batch_is_one_problem_and_leaves_nothing(files, status, said, service):
    answer = add(service, files) if files else service.client.post("/v1/batches", files={"knobs": (None, "{}")})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]
    assert service.client.get("/v1/batches").json() == {"batches": [], "next": None}
    assert service.nothing_is_left()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"knobs": '{"sed": 1}'}, "did you mean seed?"),
        ({"priority": "1e9"}, "priority is"),
        ({"webhook_url": "https://a.example"}, "is not a part of this request"),
        ({"knobs": '{"prompt": "a barn"}'}, "both given"),
    ],
)
def test_wrong_words_are_one_problem(data, said, service):
    answer = add(service, [("a.png", PICTURE)], data=data)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_the_same_key_is_the_same_batch_and_other_content_a_conflict(service):
    key = {"Idempotency-Key": "photos"}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: add(service, [("a.png", PICTURE)] * 2, headers=key), range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert add(service, [("a.png", PICTURE)], headers=key).status_code == 409
    assert len(service.client.get("/v1/jobs").json()["jobs"]) == 2


def test_pages_are_the_newest_first(service):
    ids = [add(service, [("a.png", PICTURE)]).json()["id"] for _ in range(3)]
    first = service.client.get("/v1/batches", params={"limit": 2}).json()
    second = service.client.get("/v1/batches", params={"limit": 2, "cursor": first["next"]}).json()
    assert [each["id"] for page in (first, second) for each in page["batches"]] == ids[::-1]
    assert second["next"] is None


def test_a_batch_is_cancelled_archived_and_deleted(service):
    batch = f"/v1/batches/{add(service, [('a.png', PICTURE), ('b.png', PICTURE)]).json()['id']}"
    assert service.client.get(f"{batch}/archive").status_code == 409
    cancelled = service.client.post(f"{batch}/cancel")
    assert cancelled.status_code == 202
    assert (cancelled.json()["state"], cancelled.json()["counts"]) == ("ended", {"cancelled": 2})
    job = cancelled.json()["jobs"][0]["job_id"]
    assert service.client.delete(f"/v1/jobs/{job}").status_code == 204
    answer = service.client.get(f"{batch}/archive")
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    failures = json.loads(zipfile.ZipFile(io.BytesIO(answer.content)).read("manifest.json"))["failures"]
    assert [each["state"] for each in failures] == ["deleted", "cancelled"]
    assert service.client.delete(batch).status_code == 204
    assert service.client.get(batch).status_code == 404


def test_a_batch_of_which_a_job_runs_is_not_deleted(service):
    batch = add(service, [("a.png", PICTURE), ("b.png", PICTURE)]).json()
    store = Store(f"sqlite:///{service.data / 'queue.db'}")
    begun = store.begin(batch["jobs"][0]["job_id"])
    try:
        answer = service.client.delete(f"/v1/batches/{batch['id']}")
        assert answer.status_code == 409
        assert "cancel the batch first" in answer.json()["detail"]
        assert service.client.get(f"/v1/batches/{batch['id']}").json()["counts"] == {"running": 1, "queued": 1}
    finally:
        store.finish(begun.id, begun.attempt, "failed", "the test ends")
        store.close()


@pytest.mark.parametrize("batch", [UNKNOWN, "x", "..", "%2e%2e%2fetc"])
def test_an_unknown_batch_is_404(batch, service):
    for method, route in [("GET", ""), ("GET", "/archive"), ("POST", "/cancel"), ("DELETE", "")]:
        assert service.client.request(method, f"/v1/batches/{batch}{route}").status_code in (404, 405)


def test_the_client_sends_a_batch(service, tmp_path: Path):
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for path in paths:
        path.write_bytes(PICTURE)
    with Client(str(service.client.base_url)) as client:
        batch = client.batch(paths, {"stage": "no-outpaint"}, priority=2)
    assert [(each["folder"], each["job"]["priority"]) for each in batch["jobs"]] == [("a", 2), ("b", 2)]
