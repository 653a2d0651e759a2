"""Which way `auto` takes for the poses of several photos."""

from dataclasses import replace

import pytest
import torch

from vistadream.backends.poses.given_or_sfm import GivenOrSfmPoses
from vistadream.config import choose
from vistadream.ops.evaluation.poses import rotation_error_deg

FIND = GivenOrSfmPoses(seed=0, features=500, exhaustive_up_to=40, overlap=10, refine=False, mapper="incremental")


def test_it_is_what_auto_takes():
    assert choose("poses").name == "given_or_sfm"


def test_given_poses_are_taken_when_every_photo_has_one(world):
    views = world.posed()[:3]
    found = FIND(views)
    assert found.figures["start"] == "given"
    assert all(torch.equal(found.cameras[v.name].cam_from_world, v.camera.cam_from_world) for v in views)


def test_otherwise_all_photos_are_registered_in_the_world_of_the_given_poses(world):
    views = [*world.posed()[:4], world.views[4]]
    found = FIND(views)
    assert found.figures["start"] != "given"
    assert found.keeps_unit
    center = found.cameras["photo_4"].center
    assert torch.allclose(center, world.truth[4].center, atol=0.02)
    assert rotation_error_deg([found.cameras[v.name] for v in views], world.truth[:5]) < 0.2
    assert any("4 of 5 photos bring a pose" in remark.text for remark in found.remarks)


def test_without_any_pose_the_unit_is_open(world):
    found = FIND(world.views[:3])
    assert not found.keeps_unit
    assert not found.remarks


@pytest.mark.parametrize("knob", ["features", "exhaustive_up_to", "overlap"])
def test_counts_must_be_positive(knob):
    with pytest.raises(ValueError, match=knob):
        replace(FIND, **{knob: 0})


def test_the_mapper_is_that_of_sfm(world):
    assert list(replace(FIND, mapper="global")(world.views).figures["starts"]) == ["agrees with all pairs"]
