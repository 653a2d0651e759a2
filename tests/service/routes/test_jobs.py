"""The queue over HTTP, with nobody who works: jobs are taken, listed, cancelled, resumed and deleted."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from vistadream.assets import sample_image

UNKNOWN = "01m8ek6dsn41xvs47ccqzntxje"


@pytest.fixture(scope="module")
def service(start):
    """A service without workers, so that jobs stay where they are."""
    return start("min_free_gb=0", "workers=0", "drain_s=0")


@pytest.fixture(autouse=True)
def emptied(service):
    """Each test begins and ends with an empty queue."""
    yield
    for job in service.client.get("/v1/jobs", params={"limit": 500}).json()["jobs"]:
        assert service.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert service.nothing_is_left()


def test_a_job_is_taken_and_says_where_it_is(service):
    answer = service.submit({"seed": 3})
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert {"stage=no-outpaint", "seed=3"} <= set(job["words"])
    assert (job["state"], job["place"], job["attempts"], job["input"]) == ("queued", 1, 0, "sample.png")
    assert (job["status"], job["task_id"], job["url"]) == ("processing", job["id"], None)
    assert service.client.get(answer.headers["location"]).json() == job
    kept = service.data / "jobs" / job["id"] / "input" / "sample.png"
    assert kept.read_bytes() == sample_image().read_bytes()


def test_a_job_says_whether_it_may_be_made_smaller(service):
    for parts, degrade in (({}, False), ({"degrade": "false"}, False), ({"degrade": "true"}, True)):
        job = service.submit(parts=parts).json()
        assert (job["degrade"], job["memory_steps"]) == (degrade, [])
        service.client.post(f"/v1/jobs/{job['id']}/cancel")


def test_the_place_in_the_queue_follows_priority_and_age(service):
    ids = [service.submit(parts={"priority": str(n)}).json()["id"] for n in (0, 0, 5)]
    assert [service.client.get(f"/v1/jobs/{each}").json()["place"] for each in ids] == [2, 3, 1]


def test_the_same_key_is_the_same_job_and_other_content_a_conflict(service):
    key = {"Idempotency-Key": "photo-1"}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: service.submit(headers=key), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert service.submit({"seed": 4}, headers=key).status_code == 409
    assert len(service.client.get("/v1/jobs").json()["jobs"]) == 1
    assert service.nothing_is_left()


def test_pages_are_the_newest_first_and_stay_whole_while_jobs_come(service):
    ids = [service.submit().json()["id"] for _ in range(5)]
    first = service.client.get("/v1/jobs", params={"limit": 2}).json()
    later = service.submit().json()["id"]
    second = service.client.get("/v1/jobs", params={"limit": 2, "cursor": first["next"]}).json()
    third = service.client.get("/v1/jobs", params={"limit": 2, "cursor": second["next"]}).json()
    listed = [job["id"] for page in (first, second, third) for job in page["jobs"]]
    assert listed == ids[::-1]
    assert third["next"] is None
    assert later not in listed


def test_lists_are_narrowed_by_state_and_by_name(service):
    kept, cancelled = (service.submit().json()["id"] for _ in range(2))
    service.client.post(f"/v1/jobs/{cancelled}/cancel")
    ask = service.client.get
    assert [job["id"] for job in ask("/v1/jobs?state=queued").json()["jobs"]] == [kept]
    assert [job["id"] for job in ask("/v1/jobs?state=cancelled").json()["jobs"]] == [cancelled]
    assert len(ask("/v1/jobs?q=SAMPLE").json()["jobs"]) == 2
    assert ask("/v1/jobs?q=100%25").json()["jobs"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "state=gone", "cursor=x", "cursor=../..", f"q={'a' * 201}"]
)
def test_a_bad_question_is_a_problem(query, service):
    answer = service.client.get(f"/v1/jobs?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["detail"]


def test_a_queued_job_is_cancelled_at_once_and_resumed_with_other_knobs(service):
    job = service.submit({"seed": 3}).json()["id"]
    assert service.client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert service.client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled", "again: nothing changes"
    answer = service.client.post(f"/v1/jobs/{job}/resume", json={"knobs": {"seed": 4, "expansion": 0.4}})
    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    assert {"seed=4", "expansion=0.4", "stage=no-outpaint"} <= set(answer.json()["words"])
    assert "seed=3" not in answer.json()["words"]


def test_resuming_leaves_out_what_was_replaced(service):
    job = service.submit({"trajectory": "orbit", "trajectory.degrees": 90}).json()["id"]
    service.client.post(f"/v1/jobs/{job}/cancel")
    words = service.client.post(f"/v1/jobs/{job}/resume", json={"knobs": {"trajectory": "dolly"}}).json()["words"]
    assert "trajectory=dolly" in words
    assert not [word for word in words if "degrees" in word]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("{", 400, "the body is not JSON"),
        ("[]", 400, "is not an object"),
        ('{"knobs": 3}', 422, "knobs is not an object"),
        ('{"words": []}', 422, "'words' is not a field"),
        ('{"knobs": {"sed": 3}}', 422, "did you mean seed?"),
        ('{"knobs": {"out": "/tmp"}}', 422, "cannot be set from outside"),
        (" " * 2_000_000, 413, "too long"),
        (b"\xff", 400, "not UTF-8"),
    ],
)
def test_a_bad_resume_is_a_problem_and_changes_nothing(body, status, said, service):
    job = service.submit().json()["id"]
    before = service.client.post(f"/v1/jobs/{job}/cancel").json()
    answer = service.client.post(f"/v1/jobs/{job}/resume", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]
    assert service.client.get(f"/v1/jobs/{job}").json() == before


def test_a_job_that_waits_is_not_resumed(service):
    job = service.submit().json()["id"]
    assert "wanted one that has ended" in service.client.post(f"/v1/jobs/{job}/resume").json()["detail"]


def test_a_deleted_job_is_gone_with_its_folder(service):
    job = service.submit().json()["id"]
    assert service.client.delete(f"/v1/jobs/{job}").status_code == 204
    assert service.client.delete(f"/v1/jobs/{job}").status_code == 404
    assert not (service.data / "jobs" / job).exists()


@pytest.mark.parametrize("job", [UNKNOWN, "x", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc", "%252e%252e", "a" * 64])
def test_an_unknown_job_is_404_on_every_route(job, service):
    for method, route in [
        ("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/resume"), ("GET", "/log"), ("GET", "/results"),
        ("GET", "/results/gaussians.ply"), ("GET", "/events"),
    ]:  # fmt: skip
        answer = service.client.request(method, f"/v1/jobs/{job}{route}")
        assert answer.status_code in (404, 405), (method, route)
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_job_of_another_owner_is_404(service):
    from vistadream.service.queue.store import Store
    from vistadream.service.queue.tables import JobRow, new_id

    store = Store(f"sqlite:///{service.data / 'queue.db'}")
    theirs = store.add(JobRow(id=new_id(), owner="somebody else"))
    try:
        assert service.client.get(f"/v1/jobs/{theirs.id}").status_code == 404
        assert service.client.get(f"/v1/jobs/{theirs.id}/results/gaussians.ply").status_code == 404
        assert service.client.get("/v1/jobs").json()["jobs"] == []
    finally:
        store.remove(theirs.id)
        store.close()


def test_a_job_without_a_run_has_no_log_and_no_results(service):
    job = service.submit().json()["id"]
    log = service.client.get(f"/v1/jobs/{job}/log")
    assert (log.status_code, log.text, log.headers["content-type"]) == (200, "", "text/plain; charset=utf-8")
    assert service.client.get(f"/v1/jobs/{job}/results").json() == {"results": [], "available": []}


def test_a_prompt_makes_a_job_without_a_picture_where_a_model_can_paint_it(service):
    answer = service.client.post("/v1/predict", files={"knobs": (None, json.dumps({"prompt": "a barn"}))})
    assert answer.status_code in (202, 422)
    if answer.status_code == 422:
        assert "prompt" in answer.json()["detail"], "the sentence of the command line: no model is here"
    else:
        assert answer.json()["input"] is None


def test_a_wait_ends_without_a_result_when_its_time_is_over(service):
    for how in ({"params": {"wait": 0.2}}, {"headers": {"Prefer": "respond-async, wait=1"}}):
        answer = service.submit(**how)
        assert answer.status_code == 202
        assert answer.json()["state"] == "queued"


def test_counts_are_those_of_the_queue(service):
    for _ in range(3):
        service.submit()
    stats = service.client.get("/v1/stats").json()
    assert stats["jobs"]["queued"] == 3
    assert stats["disk_free_gb"] > 0


def test_what_the_service_is(service):
    from vistadream.backends.weights.table import MODELS

    ask = service.client.get
    assert ask("/v1/ready").json() == {"status": "ready"}
    health = ask("/v1/health").json()
    assert health["status"] == "healthy"
    assert isinstance(health["gpu_available"], bool)
    models = ask("/v1/models").json()["models"]
    assert {model["name"] for model in models} == set(MODELS)
    assert all(model["license"] for model in models)
    knobs = ask("/v1/knobs").json()["properties"]
    assert knobs["seed"]["type"] == "integer"
    assert not {"image", "accept_noncommercial"} & knobs.keys()
    backends = ask("/v1/backends").json()["backends"]
    assert {each["name"] for each in backends if each["role"] == "depth"} == {*knobs["backends/depth"]["enum"]} - {
        "auto"
    }
    assert {model["name"] for each in backends for model in each["models"]} <= {*MODELS}


def test_a_license_is_accepted_only_where_whoever_runs_the_service_allows_it(service, start):
    accepts = {"accept_noncommercial": True, "backends/outpaint": "flux_fill"}
    refused = service.submit(accepts)
    assert refused.status_code == 422
    assert "allow_noncommercial=true" in refused.json()["detail"]
    lenient = start("min_free_gb=0", "workers=0", "drain_s=0", "allow_noncommercial=true")
    assert lenient.client.get("/v1/knobs").json()["properties"]["accept_noncommercial"]["type"] == "boolean"
    taken = lenient.submit(accepts)
    assert taken.status_code == 202, taken.text
    assert "accept_noncommercial=true" in taken.json()["words"]


def test_a_full_disk_takes_no_job(start):
    full = start("min_free_gb=1e9", "workers=0", "drain_s=0")
    answer = full.submit()
    assert answer.status_code == 507
    assert "wanted min_free_gb=" in answer.json()["detail"]
    ready = full.client.get("/v1/ready")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "60")
    assert full.nothing_is_left()
