"""The photo's camera as a viewer gets it is that of the run."""

import json
import shutil

import pytest
from tests.service.conftest import Running, Start

from vistadream.formats.scene import load_scene
from vistadream.ops.camera_path.pose import reach_of
from vistadream.runs.paths import RunPaths
from vistadream.service.photo_camera import limits_of, photo_camera, start_settings
from vistadream.service.problems import ProblemError


def test_a_run_without_a_stage_has_no_camera(tmp_path):
    assert photo_camera(RunPaths(tmp_path)) is None


@pytest.fixture(scope="module")
def working(start: Start) -> Running:
    return start("min_free_gb=0", "drain_s=0")


@pytest.fixture(scope="module")
def job(working: Running) -> str:
    """The id of a job that is done."""
    return working.wait_for(working.submit().json()["id"], "done")["id"]


def test_the_camera_is_that_of_the_scene(working, job):
    answer = working.client.get(f"/v1/jobs/{job}/camera").json()
    paths = RunPaths(working.data / "jobs" / job / "run")
    photo = load_scene(paths.stage("initialize")).anchor
    assert answer["stage"] == "initialize"
    assert (answer["width_px"], answer["height_px"]) == (photo.camera.width, photo.camera.height)
    assert answer["focal_px"] == pytest.approx([photo.camera.fx, photo.camera.fy])
    assert answer["focus_z"] == pytest.approx(reach_of(photo).focus_z, rel=1e-4)


def test_a_queued_job_has_none_yet(service: Running):
    answer = service.client.get(f"/v1/jobs/{service.submit().json()['id']}/camera")
    assert answer.status_code == 404
    assert "initialize" in answer.json()["detail"]


def test_the_viewer_starts_alike_with_and_without_its_flight(working, job):
    address = f"/v1/gallery/{job}/viewer_settings"
    whole, start = (working.client.get(address, params={"flight": flight}).json() for flight in (True, False))
    assert start["camera"]["fov"] == pytest.approx(whole["camera"]["fov"])
    for name in ("position", "target"):
        assert start["camera"][name] == pytest.approx(whole["camera"][name], rel=1e-3, abs=1e-6)
    assert len(start["animTracks"][0]["keyframes"]["times"]) == 1
    assert len(whole["animTracks"][0]["keyframes"]["times"]) > 1


def test_the_viewers_limits_are_the_reach_of_the_run(working, job):
    address = f"/v1/gallery/{job}/viewer_settings"
    whole, start = (working.client.get(address, params={"flight": flight}).json() for flight in (True, False))
    metrics = json.loads((working.data / "jobs" / job / "run" / "metrics.json").read_text())
    focus_z = working.client.get(f"/v1/jobs/{job}/camera").json()["focus_z"]
    assert start["limits"]["target"] == pytest.approx([0, 0, focus_z])
    assert start["limits"]["high"][0] == pytest.approx(focus_z * max(0.05, metrics["reach"]["left"]))
    assert start["limits"]["yawDeg"][1] == max(2, metrics["reach_turned_deg"]["left"])
    for name, numbers in start["limits"].items():
        assert whole["limits"][name] == pytest.approx(numbers, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        "[",
        "[]",
        '{"stage": "fine"}',
        '{"reach": {"right": 0.1}, "reach_turned_deg": {}}',
        '{"reach": {"right": "x"}, "reach_turned_deg": 1}',
    ],
)
def test_a_run_that_has_no_reach_has_no_limits(metrics, tmp_path):
    if metrics:
        (tmp_path / "metrics.json").write_text(metrics)
    assert limits_of(RunPaths(tmp_path), {"camera": {"position": [0, 0, 0], "target": [0, 0, 2]}}) is None


def test_a_run_that_goes_on_has_no_limits(working, job, service: Running):
    """Its metrics.json is that of what the scene was before."""
    queued = service.submit().json()["id"]
    shutil.copytree(working.data / "jobs" / job / "run", service.data / "jobs" / queued / "run", dirs_exist_ok=True)
    answer = service.client.get(f"/v1/gallery/{queued}/viewer_settings", params={"flight": False})
    assert answer.status_code == 200
    assert answer.json()["limits"] is None


def test_a_damaged_scene_is_one_sentence(tmp_path):
    (tmp_path / "03_initialize").mkdir()
    (tmp_path / "03_initialize" / "done.json").write_text('{"key": "k"}')
    (tmp_path / "03_initialize" / "scene.json").write_text("[]")
    with pytest.raises(ProblemError, match="damaged"):
        start_settings(RunPaths(tmp_path))
