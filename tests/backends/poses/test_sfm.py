"""Poses from pictures alone, on photos of a small world whose cameras are known."""

import re
from dataclasses import replace

import pytest
import torch

from vistadream.backends.poses.sfm import SfmPoses
from vistadream.config import compose
from vistadream.core import PoseEstimator, UserError
from vistadream.ops.evaluation.poses import focal_error, rotation_error_deg, trajectory_error

FIND = SfmPoses(seed=0, features=500, exhaustive_up_to=40, overlap=10, mapper="incremental")
AT_ONCE = replace(FIND, mapper="global")


@pytest.fixture(scope="module")
def registered(world):
    return FIND(world.views)


def noise(photo):
    return replace(photo, name="noise", rgb=torch.rand(*photo.rgb.shape, generator=torch.Generator().manual_seed(3)))


def test_conf_builds_it():
    assert isinstance(compose(["backends/poses=sfm"], job="multi_img").build("backends.poses"), PoseEstimator)


def test_every_photo_gets_its_camera(world, registered):
    found = [registered.cameras[view.name] for view in world.views]
    assert trajectory_error(found, world.truth) < 0.005
    assert rotation_error_deg(found, world.truth) < 0.1
    assert focal_error(found, world.truth) < 0.01
    assert not registered.keeps_unit


def test_each_point_is_where_its_photos_see_it(world, registered):
    points = registered.points
    assert len(points) > 300
    for name, camera in registered.cameras.items():
        index, px = points.seen_by(name)
        assert len(index) > 50
        assert float((camera.project(points.xyz[index])[0] - px).norm(dim=1).max()) < 2.1
    assert float(points.error_px.max()) < 2.1


def test_the_color_of_a_point_is_that_of_its_pixels(world, registered):
    index, px = registered.points.seen_by(world.views[0].name)
    column, row = px.long().unbind(1)
    off = (world.views[0].rgb[row, column] - registered.points.rgb[index]).abs().mean(1)
    assert float(off.median()) < 0.1


def test_the_same_photos_give_the_same_bits(world):
    first, again = (FIND(world.views[:3]) for _ in range(2))
    for name, camera in first.cameras.items():
        assert torch.equal(camera.cam_from_world, again.cameras[name].cam_from_world)
        assert torch.equal(camera.K, again.cameras[name].K)
    assert torch.equal(first.points.xyz, again.points.xyz)
    assert torch.equal(first.points.px, again.points.px)


def test_the_global_mapper_finds_the_cameras_too_and_the_same_bits_each_time(world):
    first, again = (AT_ONCE(world.views) for _ in range(2))
    assert first.figures["start"] == "agrees with all pairs", "a calibration comes before it, always"
    assert list(first.figures["starts"]) == [first.figures["start"]]
    found = [first.cameras[view.name] for view in world.views]
    assert trajectory_error(found, world.truth) < 0.005
    assert rotation_error_deg(found, world.truth) < 0.1
    assert focal_error(found, world.truth) < 0.01
    for name, camera in first.cameras.items():
        assert torch.equal(camera.cam_from_world, again.cameras[name].cam_from_world)
        assert torch.equal(camera.K, again.cameras[name].K)
    assert torch.equal(first.points.xyz, again.points.xyz)


def test_the_global_mapper_keeps_a_known_focal_length_and_leaves_out_a_photo_of_something_else(world):
    views = [replace(v, camera=c, focal_known=True) for v, c in zip(world.views, world.truth, strict=True)]
    stranger = replace(noise(world.views[0]), camera=world.truth[0], focal_known=True)
    found = AT_ONCE([*views, stranger])
    assert set(found.cameras) == {view.name for view in views}
    assert {camera.fx for camera in found.cameras.values()} == {world.truth[0].fx}


def test_a_known_focal_length_is_kept_and_a_wrong_one_is_said(world):
    views = [replace(v, camera=c, focal_known=True) for v, c in zip(world.views[:4], world.truth, strict=False)]
    found = FIND(views)
    assert {camera.fx for camera in found.cameras.values()} == {world.truth[0].fx}
    assert not found.remarks
    wrong = FIND([replace(view, camera=view.camera.with_focal(600.0)) for view in views])
    assert focal_error([wrong.cameras[view.name] for view in views], world.truth[:4]) < 0.02
    (remark,) = wrong.remarks
    assert remark.level == "warning"
    assert re.search(r"given as 600 px, but the photos fit (29\d|30\d) px", remark.text)


def test_a_focal_length_that_the_photos_leave_open_stays_as_guessed_and_it_is_said(sideways):
    found = FIND(sideways.views)
    guess = sideways.views[0].camera.fx
    assert [camera.fx for camera in found.cameras.values()] == [pytest.approx(guess, abs=0.1)] * 3
    (remark,) = found.remarks
    assert "a field of view of 60 degrees was taken" in remark.text


def test_a_known_focal_length_helps_where_the_photos_leave_it_open(sideways):
    found = FIND([replace(v, camera=c, focal_known=True) for v, c in zip(sideways.views, sideways.truth, strict=True)])
    assert [camera.fx for camera in found.cameras.values()] == [300.0] * 3
    assert rotation_error_deg(list(found.cameras.values()), sideways.truth) < 0.2
    assert not found.remarks


def test_photos_of_two_sizes_have_two_lenses(world):
    rgb = torch.nn.functional.avg_pool2d(world.views[1].rgb.permute(2, 0, 1), 2).permute(1, 2, 0)
    everywhere = torch.ones(120, 160, dtype=torch.bool)
    small = replace(
        world.views[1],
        camera=world.views[1].camera.resize(160, 120),
        rgb=rgb,
        supervise=everywhere,
        lift=everywhere,
        generated=~everywhere,
    )
    found = FIND([world.views[0], small, *world.views[2:4]])
    truth = [world.truth[0], world.truth[1].resize(160, 120), *world.truth[2:4]]
    cameras = [found.cameras[f"photo_{i}"] for i in range(4)]
    assert focal_error(cameras, truth) < 0.02
    assert rotation_error_deg(cameras, truth) < 0.3


def test_ignored_pixels_have_no_points(world):
    views = []
    for view in world.views[:3]:
        seen = view.supervise.clone()
        seen[:, :160] = False
        views.append(replace(view, supervise=seen, lift=seen))
    found = FIND(views)
    assert len(found.points) > 50
    assert float(found.points.px[:, 0].min()) > 158


def test_two_photos_of_a_known_lens_are_registered(world):
    views = [replace(world.views[i], camera=world.truth[i], focal_known=True) for i in (1, 3)]
    found = FIND(views)
    cameras = [found.cameras[view.name] for view in views]
    assert rotation_error_deg(cameras, [world.truth[1], world.truth[3]]) < 0.2
    assert len(found.points) > 100
    assert not found.remarks


def test_two_photos_of_an_unknown_lens_are_registered_and_it_is_said_that_they_do_not_fix_it(world):
    found = FIND([world.views[1], world.views[3]])
    (remark,) = found.remarks
    assert "two photos do not fix the focal length" in remark.text
    assert len(found.points) > 100
    assert float(found.points.error_px.mean()) < 0.5


def test_a_photo_of_something_else_is_missing(world):
    found = FIND([*world.views[:3], noise(world.views[0])])
    assert set(found.cameras) == {view.name for view in world.views[:3]}
    assert found.figures["matches"]["noise"] == 0


def test_a_camera_that_only_turned_is_said(turning):
    with pytest.raises(UserError, match="the camera only turned"):
        FIND(turning.views)


def test_copies_of_one_photo_are_a_camera_that_did_not_move(world):
    with pytest.raises(UserError, match="taken from one place"):
        FIND([replace(world.views[0], name=f"copy_{i}") for i in range(3)])


def test_photos_of_nothing_in_common_cannot_be_registered(world):
    with pytest.raises(UserError, match="none of the 2 photos could be registered"):
        FIND([world.views[0], noise(world.views[0])])
