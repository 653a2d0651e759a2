"""Poses by Depth Anything 3: its own package, with tiny networks that know the cameras of the photos, or do not."""

from dataclasses import replace

import pytest
import torch

from vistadream.backends.poses.depth_anything import MOST_ERROR_PX
from vistadream.config import compose
from vistadream.core import UserError
from vistadream.ops.evaluation.poses import focal_error, rotation_error_deg, trajectory_error


@pytest.fixture
def finder(tiny_depth_anything, tmp_path):
    """Builds a pose estimator with the weights of a network; without a network there are none."""

    def make(net=None, name="depth_anything", **knobs):
        folder = tmp_path if net is None else tiny_depth_anything.write(net.state_dict(), tmp_path)
        knobs = {"features": 500, "network.device": "cpu", "network.resolution_px": 70, **knobs}
        words = [f"backends/poses={name}", f"backends.poses.network.path={folder}"]
        words += [f"backends.poses.{knob}={value}" for knob, value in knobs.items()]
        return compose(words, job="multi_img").build("backends.poses")

    return make


@pytest.fixture
def knowing(tiny_depth_anything):
    """A network that knows the cameras of a world."""
    return lambda world: tiny_depth_anything.knowing(world.views, world.truth)


def test_cameras_that_fit_the_pictures_become_a_registration(world, finder, knowing):
    found = finder(knowing(world))(world.views)
    cameras = [found.cameras[view.name] for view in world.views]
    assert trajectory_error(cameras, world.truth) < 0.01
    assert rotation_error_deg(cameras, world.truth) < 0.2
    assert focal_error(cameras, world.truth) < 0.005
    assert found.figures["epipolar_error_px"] < MOST_ERROR_PX
    assert found.figures["model"] == "da3-small"
    assert not found.remarks
    assert not found.keeps_unit
    assert len(found.points) > 200
    for view in world.views:
        index, px = found.points.seen_by(view.name)
        seen = found.cameras[view.name].project(found.points.xyz[index])[0]
        assert float((seen - px).norm(dim=1).median()) < 1


def test_poses_that_do_not_fit_are_said_in_one_sentence(world, finder, tiny_depth_anything):
    found = finder(tiny_depth_anything.wide_awake())(world.views)
    assert set(found.cameras) == {view.name for view in world.views}
    (remark,) = found.remarks
    assert remark.level == "warning"
    assert f"{found.figures['epipolar_error_px']:.1f} px, and under 2 px is wanted" in remark.text


def test_poses_may_be_a_start_only(world, finder, knowing):
    """Cameras that are a little off are moved until they fit."""
    net = knowing(world)
    with torch.no_grad():
        net.cam_dec.fc_qvec.bias += torch.tensor([0.01, -0.01, 0.01, 0.0])
    off, better = (finder(net, refine=refine)(world.views) for refine in (False, True))
    before, after = (
        rotation_error_deg([each.cameras[view.name] for view in world.views], world.truth) for each in (off, better)
    )
    assert after < min(0.3, 0.5 * before)


def test_given_poses_say_where_the_world_is(world, finder, knowing):
    moved = world.posed(lambda camera: camera.at(camera.cam_from_world @ _moved()))
    found = finder(knowing(world))(moved)
    assert found.keeps_unit
    for view in moved:
        torch.testing.assert_close(found.cameras[view.name].center, view.camera.center, atol=0.05, rtol=0)


def _moved() -> torch.Tensor:
    move = torch.eye(4)
    move[:3, 3] = torch.tensor([3.0, 1.0, -2.0])
    return move


def test_a_camera_that_only_turned_is_said_here_too(turning, finder, tiny_depth_anything):
    with pytest.raises(UserError, match="the camera only turned"):
        finder(tiny_depth_anything.wide_awake())(turning.views)


def test_depth_anything_takes_over_where_sfm_registers_too_few(scattered, finder, knowing):
    found = finder(knowing(scattered), "sfm_or_depth_anything")(scattered.views)
    assert len(found.cameras) == 7
    assert found.remarks[0].text == "SfM registered 4 of 7 photos: Depth Anything 3 took over and placed all of them"
    assert trajectory_error(list(found.cameras.values()), scattered.truth) < 0.01


def test_it_does_not_where_its_poses_fit_worse(scattered, finder, tiny_depth_anything):
    found = finder(tiny_depth_anything.wide_awake(), "sfm_or_depth_anything")(scattered.views)
    assert len(found.cameras) == 4
    assert "SfM registered 4 of 7 photos; the poses of Depth Anything 3 miss the pictures by" in found.remarks[-1].text


def test_it_is_the_last_resort_where_sfm_registers_none(world, finder, tiny_depth_anything):
    noise = [replace(view, rgb=torch.rand_like(view.rgb)) for view in world.views[:3]]
    found = finder(tiny_depth_anything.wide_awake(), "sfm_or_depth_anything")(noise)
    assert len(found.cameras) == 3
    assert "SfM registered none of 3 photos (none of the 3 photos could be registered" in found.remarks[0].text
    assert "): Depth Anything 3 took over" in found.remarks[0].text
    assert "could not be checked" in found.remarks[1].text


def test_it_is_not_asked_where_sfm_registers_enough(world, finder):
    """Nor are its weights read, which are not there."""
    found = finder(name="sfm_or_depth_anything")(world.views)
    assert len(found.cameras) == 6
    assert not found.remarks
