"""Results that are made when somebody asks for them, by a real worker."""

from concurrent.futures import ThreadPoolExecutor

import pytest

NAMES = ("gaussians.splat", "points.obj")


@pytest.fixture(scope="module")
def service(start):
    return start("min_free_gb=0", "drain_s=0")


@pytest.fixture(scope="module")
def job(service):
    """A job that is done."""
    knobs = {"export": ["gaussians", "metrics"]}
    answer = service.submit(knobs, headers={"Prefer": "wait=100"}, timeout=120)
    assert answer.json()["state"] == "done", answer.text
    return answer.json()


def results(service, job):
    return service.client.get(f"/v1/jobs/{job['id']}/results").json()


def test_what_can_be_made_is_listed_and_made_once_however_many_ask(service, job):
    listed = results(service, job)
    assert set(NAMES) <= set(listed["available"])
    assert not set(listed["available"]) & {each["name"] for each in listed["results"]}
    events = service.client.get(f"/v1/jobs/{job['id']}/events").text
    url = f"/v1/jobs/{job['id']}/results/{NAMES[0]}"
    first = service.client.get(url)
    assert (first.status_code, first.headers["location"], first.headers["retry-after"]) == (202, url, "1")
    assert first.json() == {"name": NAMES[0], "url": url, "state": "queued"}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: service.client.get(url, params={"wait": 60}, timeout=100), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    on_disk = service.data / "jobs" / job["id"] / "run" / "export" / NAMES[0]
    assert {answer.content for answer in answers} == {on_disk.read_bytes()}
    assert attempts(service, job, NAMES[0]) == 1
    now = service.client.get(f"/v1/jobs/{job['id']}").json()
    assert [now[key] for key in ("state", "attempts", "words")] == [job[key] for key in ("state", "attempts", "words")]
    assert service.client.get(f"/v1/jobs/{job['id']}/events").text == events, "the run itself has not gone on"
    after = results(service, job)
    assert NAMES[0] in {each["name"] for each in after["results"]}
    assert NAMES[0] not in after["available"]


def attempts(service, job, name):
    from vistadream.service.queue.claims import database_url
    from vistadream.service.queue.exports import Exports
    from vistadream.service.queue.store import Store

    store = Store(database_url(service.data))
    try:
        return Exports(store.database).get(job["id"], name).attempt
    finally:
        store.close()


def test_a_result_that_cannot_be_made_is_a_problem_with_its_sentence(service, job):
    (stage,) = (service.data / "jobs" / job["id"] / "run").glob("*_initialize")
    done = (stage / "done.json").read_bytes()
    (stage / "done.json").unlink()
    try:
        answer = service.client.get(f"/v1/jobs/{job['id']}/results/{NAMES[1]}", params={"wait": 60}, timeout=100)
    finally:
        (stage / "done.json").write_bytes(done)
    assert (answer.status_code, answer.headers["retry-after"]) == (409, "60")
    said = answer.json()["detail"]
    assert said.startswith("points.obj could not be made: ")
    assert said.endswith("wanted a whole one: resume it")
    assert str(service.data) not in said, "the paths of the server are its own"
    assert service.client.get(f"/v1/jobs/{job['id']}/results/{NAMES[1]}").status_code == 409, "for a while"


@pytest.mark.parametrize("name", ["gaussians.xyz", "metrics.csv", "../gaussians.splat"])
def test_what_nothing_makes_is_not_found(name, service, job):
    assert service.client.get(f"/v1/jobs/{job['id']}/results/{name}").status_code == 404


def test_nothing_is_made_of_a_job_that_is_not_done(service, job):
    slow = {"stage": "coarse", "max_resolution": 96, "stages.initialize.steps": 4000}
    running = service.submit(slow).json()
    service.wait_for(running["id"], "running")
    assert results(service, running)["available"] == []
    assert service.client.get(f"/v1/jobs/{running['id']}/results/{NAMES[0]}").status_code == 404
    service.client.post(f"/v1/jobs/{running['id']}/cancel")
