"""The photo's camera as a viewer gets it is that of the run."""

import pytest
from tests.service.conftest import Running, Start

from vistadream.formats.scene import load_scene
from vistadream.ops.camera_path.pose import reach_of
from vistadream.runs.paths import RunPaths
from vistadream.service.photo_camera import photo_camera, start_settings
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


def test_a_damaged_scene_is_one_sentence(tmp_path):
    (tmp_path / "03_initialize").mkdir()
    (tmp_path / "03_initialize" / "done.json").write_text('{"key": "k"}')
    (tmp_path / "03_initialize" / "scene.json").write_text("[]")
    with pytest.raises(ProblemError, match="damaged"):
        start_settings(RunPaths(tmp_path))
