"""Cameras of a resumed job: checked as a run checks them, kept with its input, and never a path of the client's."""

import json
from pathlib import Path

import pytest

from vistadream.app import job_from_words
from vistadream.service.queue.claims import database_url, open_queue
from vistadream.trajectories.custom import Custom
from vistadream.workers.queue import Outcome

CAMERAS = json.loads((Path(__file__).parents[3] / "docs" / "cameras.json").read_text())
EYE = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
SHEARED = [[1, 1, 0, 0], *EYE[1:]]


@pytest.fixture(scope="module")
def job(service):
    """A job that has ended."""
    job = service.submit({"trajectory": "orbit", "trajectory.degrees": 90}).json()["id"]
    service.client.post(f"/v1/jobs/{job}/cancel")
    return job


def files(service, job):
    return sorted(path.name for path in (service.data / "jobs" / job / "input").iterdir())


def two(**changed):
    return {"cameras": [{"world_from_cam": EYE}, {"world_from_cam": EYE} | changed]}


BAD = {
    "text": ("x", "holds no list of cameras; wanted an object such as"),
    "number": (3, "holds no list of cameras"),
    "list": ([EYE, EYE], "holds no list of cameras"),
    "empty": ({"cameras": []}, "holds 0 camera(s); wanted 2 to 1000"),
    "one": ({"cameras": [{"world_from_cam": EYE}]}, "holds 1 camera(s)"),
    "many": ({"cameras": [0] * 1001}, "holds 1001 camera(s)"),
    "no pose": ({"cameras": [{}, {}]}, "cameras[0]: got 0 poses; wanted one of"),
    "sheared": (two(world_from_cam=SHEARED), "cameras[1].world_from_cam: its upper left 3x3 is not a rotation"),
    "two poses": (two(cam_from_world=EYE), "cameras[1]: got 2 poses"),
    "huge": (two(world_from_cam=[[1, 0, 0, 1e30], *EYE[1:]]), "finite ones below a billion"),
    "words": (two(world_from_cam="${oc.env:HOME}"), "wanted 16 numbers"),
    "path": (two(world_from_cam="/etc/passwd"), "wanted 16 numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_cameras_are_a_problem_and_leave_nothing(case, service, job):
    cameras, said = BAD[case]
    before = service.client.get(f"/v1/jobs/{job}").json()
    answer = service.client.post(f"/v1/jobs/{job}/resume", json={"cameras": cameras})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert str(service.data) not in answer.json()["detail"]
    assert service.client.get(f"/v1/jobs/{job}").json() == before
    assert files(service, job) == ["sample.png"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"cameras": {"cameras": [NaN, 1]}}', 400),
        (f'{{"cameras": {"[" * 500}{"]" * 500}}}', 400),
        ('{"cameras": {"cameras": [], "cameras": []}}', 400),
        (b'{"cameras": "' + b"a" * (1 << 20) + b'"}', 413),
    ],
)
def test_a_body_that_is_no_json_of_its_size_is_refused(body, status, service, job):
    assert service.client.post(f"/v1/jobs/{job}/resume", content=body).status_code == status


def test_a_plan_says_what_would_be_computed_and_leaves_no_file(service, job):
    body = {"cameras": CAMERAS, "knobs": {"stage": "coarse", "seed": 4}}
    before = service.client.get(f"/v1/jobs/{job}").json()
    plan = service.client.post(f"/v1/jobs/{job}/plan", json=body).json()
    assert [stage["stage"] for stage in plan["stages"]] == ["load", "outpaint", "initialize", "coarse"]
    assert not any(stage["kept"] for stage in plan["stages"])
    assert {"stage=coarse", "seed=4", "trajectory=custom"} <= {*plan["words"]}
    assert service.client.get(f"/v1/jobs/{job}").json() == before
    assert files(service, job) == ["sample.png"]
    assert service.client.post(f"/v1/jobs/{job}/plan", json={"knobs": {"sed": 4}}).status_code == 422


@pytest.mark.parametrize("knob", [{"trajectory": "orbit"}, {"trajectory.degrees": 3}])
def test_cameras_and_another_path_are_not_both_possible(knob, service, job):
    answer = service.client.post(f"/v1/jobs/{job}/resume", json={"cameras": CAMERAS, "knobs": knob})
    assert (answer.status_code, "is given together with cameras" in answer.json()["detail"]) == (422, True)


def test_the_path_of_a_run_goes_through_the_cameras_until_another_is_chosen(service, job):
    answer = service.client.post(f"/v1/jobs/{job}/resume", json={"cameras": CAMERAS, "knobs": {"seed": 7}})
    assert answer.status_code == 202
    (name,) = set(files(service, job)) - {"sample.png"}
    words = answer.json()["words"]
    assert {"trajectory=custom", f"trajectory.path={name}", "seed=7"} <= set(words)
    assert not [word for word in words if "degrees" in word or str(service.data) in word]
    queue = open_queue(database_url(service.data), service.data)
    task = queue.take("w")
    assert task.id == job
    trajectory = job_from_words(task.words).trajectory
    assert isinstance(trajectory, Custom)
    assert json.loads(trajectory.path.read_text()) == CAMERAS
    assert trajectory.path.parent == service.data / "jobs" / job / "input"
    queue.settle(task, Outcome("cancelled"))
    again = service.client.post(f"/v1/jobs/{job}/resume", json={"knobs": {"trajectory": "dolly"}}).json()
    assert [word for word in again["words"] if word.startswith("trajectory")] == ["trajectory=dolly"]
