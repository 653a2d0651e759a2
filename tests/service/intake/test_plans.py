"""What a resumed job would do: the plan is true, and cameras that would stand in something are refused."""

import json

import pytest

from vistadream.app import job_from_words, run
from vistadream.core import UserError
from vistadream.formats.scene import load_scene
from vistadream.ops.camera_path.pose import reach_of
from vistadream.runs.folder import RunFolder
from vistadream.service.intake.plans import refuse_blocked, stages_of

WORDS = (
    "stage=no-outpaint",
    "recipe=quick",
    "max_resolution=48",
    "stages.initialize.steps=1",
    "rerun.mode=off",
    "export=[]",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run."""
    out = tmp_path_factory.mktemp("out")
    return run([*WORDS, f"out={out}"]).folder


def kept(folder, *words):
    return [stage["stage"] for stage in stages_of((*WORDS, *words), "single_img", folder) if stage["kept"]]


def test_nothing_is_computed_again_where_nothing_changed(folder):
    stages = stages_of(WORDS, "single_img", folder)
    assert [(stage["stage"], stage["kept"]) for stage in stages] == [("load", True), ("initialize", True)]
    assert all(stage["seconds"] >= 0 for stage in stages)


@pytest.mark.parametrize(
    ("word", "stages"),
    [
        ("stages.initialize.steps=2", ["load"]),
        ("max_resolution=32", []),
        ("stages.refine.steps=7", ["load", "initialize"]),
        ("stage=coarse", ["load"]),
        ("export=[gaussians]", ["load", "initialize"]),
    ],
)
def test_a_changed_knob_runs_its_stage_and_those_after_it(folder, word, stages):
    assert kept(folder, word) == stages


def test_the_plan_is_what_a_resumed_run_does(folder):
    done = run(["stages.initialize.steps=2", "export=[]", f"resume={folder}"])
    assert kept(folder, "stages.initialize.steps=2") == ["load", "initialize"]
    assert kept(folder) == ["load"]
    assert done.folder == folder


def test_a_run_without_a_stage_keeps_nothing(tmp_path):
    assert not any(stage["kept"] for stage in stages_of(WORDS, "single_img", tmp_path))


def camera_at(tmp_path, *places):
    pose = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    cameras = [[[*row[:3], place[i]] if i < 3 else row for i, row in enumerate(pose)] for place in places]
    path = tmp_path / "cameras.json"
    path.write_text(json.dumps({"cameras": [{"world_from_cam": camera} for camera in cameras]}))
    return path


def test_a_camera_in_free_space_is_taken(folder, tmp_path):
    refuse_blocked(camera_at(tmp_path, (0, 0, 0), (0, 0, 0)), folder)


def test_a_camera_in_a_wall_or_out_of_reach_is_refused_with_the_reason(folder, tmp_path):
    anchor = load_scene(RunFolder(folder).stage("initialize")).anchor
    points = anchor.camera.unproject(anchor.z)
    wall = points[points.shape[0] // 2, points.shape[1] // 2].tolist()
    with pytest.raises(UserError, match=r"camera 1 is not in free space: a visible surface"):
        refuse_blocked(camera_at(tmp_path, (0, 0, 0), wall), folder)
    away = 3 * reach_of(anchor).focus_z
    with pytest.raises(UserError, match=r"camera 0 is not in free space: it is .* away from the photo's place"):
        refuse_blocked(camera_at(tmp_path, (0, 0, -away), (0, 0, 0)), folder)


def test_before_the_first_stage_any_camera_is_taken(tmp_path):
    refuse_blocked(camera_at(tmp_path, (0, 0, 1e6), (0, 0, 0)), tmp_path)


def test_the_words_of_the_plan_make_the_job(folder):
    assert list(job_from_words(WORDS).stages) == [stage["stage"] for stage in stages_of(WORDS, "single_img", folder)]
