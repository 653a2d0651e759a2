"""Given poses: kept or adjusted, and the points that fit them."""

from dataclasses import replace

import pytest
import torch

from vistadream.backends.poses.given import GivenPoses
from vistadream.core import UserError
from vistadream.ops.evaluation.poses import rotation_error_deg, trajectory_error

KEEP = GivenPoses(seed=0, features=500, exhaustive_up_to=40, overlap=10, refine=False)
ADJUST = replace(KEEP, refine=True)


@pytest.fixture(scope="module")
def kept(world):
    return KEEP(world.posed())


def test_the_poses_are_kept_with_their_unit(world, kept):
    assert kept.keeps_unit
    assert not kept.remarks
    for view in world.posed():
        assert torch.equal(kept.cameras[view.name].cam_from_world, view.camera.cam_from_world)
        assert torch.equal(kept.cameras[view.name].K, view.camera.K)


def test_the_points_lie_on_the_surfaces(world, kept):
    """The wall is at z = 7, the floor at y = 1.6; a point is on these, or on one of the boxes in between."""
    points = kept.points
    assert len(points) > 200
    _, y, z = points.xyz.unbind(1)
    on_wall_or_floor = ((z - 7).abs() < 0.05) | ((y - 1.6).abs() < 0.05)
    assert 0.5 < float(on_wall_or_floor.double().mean()) < 1
    assert float(points.error_px.median()) < 0.3


def test_poses_of_another_sensor_are_said_and_can_be_adjusted(world):
    """Every second camera is turned by 3 degrees, as if it had been read at another moment."""
    turn = torch.eye(4)
    turn[0, 0] = turn[1, 1] = 0.99863
    turn[0, 1], turn[1, 0] = -0.05234, 0.05234
    off = iter([torch.eye(4), turn] * 3)
    views = world.posed(lambda camera: camera.at(next(off) @ camera.cam_from_world))
    (remark,) = KEEP(views).remarks
    assert remark.level == "warning"
    assert "another sensor's" in remark.text
    adjusted = ADJUST(views)
    found = [adjusted.cameras[view.name] for view in views]
    assert rotation_error_deg(found, world.truth) < 0.2
    assert trajectory_error(found, world.truth) < 0.01
    assert adjusted.keeps_unit
    assert float((found[0].center - found[5].center).norm()) == pytest.approx(
        float((world.truth[0].center - world.truth[5].center).norm()), rel=0.05
    )


def test_views_without_a_pose_are_left_out(world):
    views = world.posed()[:3]
    found = KEEP([*views, replace(world.views[3], pose_known=False)])
    assert set(found.cameras) == {view.name for view in views}


def test_one_pose_is_too_few(world):
    with pytest.raises(UserError, match="1 of 2 photos have a pose; wanted two or more"):
        KEEP([world.posed()[0], world.views[1]])
