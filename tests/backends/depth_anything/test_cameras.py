"""Poses as the network knows them, one focal length for each lens, and the unit of given poses."""

from dataclasses import replace

import pytest
import torch

from vistadream.backends.depth_anything.cameras import about_first, focal_lengths_px, unit_ratio
from vistadream.core import Camera, UserError, View
from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.views.similarity import Similarity


def cameras(count: int, spread: float = 1.0) -> list[Camera]:
    """Cameras at random places that look at one point."""
    up, target = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 5.0])
    places = spread * torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    return [Camera.from_focal(80, 70, 56).at(look_at(place, target, up)) for place in places]


def poses_of(found: list[Camera]) -> torch.Tensor:
    return torch.stack([camera.cam_from_world for camera in found])


MOVE = Similarity(2.5, torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]), torch.tensor([3.0, 1.0, -2]))


def test_the_network_s_poses_begin_at_the_first_and_have_the_median_distance_as_their_unit():
    normal = about_first(poses_of(cameras(7)))
    torch.testing.assert_close(normal[0], torch.eye(4))
    assert float(torch.linalg.inv(normal)[:, :3, 3].norm(dim=1).median()) == pytest.approx(1, rel=1e-5)


def test_the_choice_of_world_and_unit_does_not_reach_the_network():
    moved = [MOVE.camera(camera) for camera in cameras(7)]
    torch.testing.assert_close(about_first(poses_of(moved)), about_first(poses_of(cameras(7))), atol=1e-5, rtol=0)


def test_cameras_that_hardly_move_are_not_spread_out():
    near = about_first(poses_of(cameras(7, spread=0.001)))
    torch.testing.assert_close(near[:, :3, 3], 10 * _about_first_by_hand(cameras(7, spread=0.001)), atol=1e-5, rtol=0)


def _about_first_by_hand(found: list[Camera]) -> torch.Tensor:
    first = torch.linalg.inv(found[0].cam_from_world)
    return torch.stack([(camera.cam_from_world @ first)[:3, 3] for camera in found])


def view(name: str, width: int = 70, height: int = 56) -> View:
    everywhere = torch.ones(height, width, dtype=torch.bool)
    camera = Camera.from_fov(60, width, height)
    rgb = torch.zeros(height, width, 3)
    return View(name, camera, rgb, None, everywhere, everywhere, ~everywhere, focal_known=False)


def test_a_lens_has_one_focal_length_and_another_size_is_another_lens():
    views = [view("a"), view("b"), view("c", 56, 70), view("d"), view("e", 56, 70)]
    found = focal_lengths_px(views, [100.0, 60.0, 50.0, 90.0, 55.0], [1.0, 1.0, 1.0, 1.0, 5.0])
    assert found == [90.0, 90.0, 55.0, 90.0, 55.0]


def test_sure_views_count_more_and_implausible_ones_not_at_all():
    views = [view(name) for name in "abcd"]
    assert focal_lengths_px(views, [40.0, 60.0, 62.0, 64.0], [9.0, 1.0, 1.0, 1.0]) == [40.0] * 4
    assert focal_lengths_px(views, [float("nan"), 60.0, 1e9, 0.0], [9.0, 1.0, 9.0, 9.0]) == [60.0] * 4
    with pytest.raises(UserError, match=r"no focal length in 'a' \(it says inf px\)"):
        focal_lengths_px(views, [float("inf")] * 4, [1.0] * 4)


@pytest.mark.parametrize("count", [3, 9, 10, 25])
def test_the_unit_is_that_of_the_given_cameras(count):
    found = cameras(count)
    assert unit_ratio(found, [MOVE.camera(camera) for camera in found], 0) == pytest.approx(2.5, rel=1e-4)


def test_wrong_poses_among_many_do_not_change_the_unit():
    found = cameras(25)
    given = [MOVE.camera(camera) for camera in found]
    for i in (3, 11, 20):
        pose = given[i].cam_from_world.clone()
        pose[:3, 3] += 40
        given[i] = given[i].at(pose)
    assert unit_ratio(found, given, 0) == pytest.approx(2.5, rel=1e-3)


def test_two_cameras_and_cameras_on_one_line_leave_the_unit_open():
    found = cameras(2)
    assert unit_ratio(found, found, 0) is None
    line = [replace(found[0], cam_from_world=torch.eye(4)) for _ in range(12)]
    for i, camera in enumerate(line):
        camera.cam_from_world[0, 3] = i
    assert unit_ratio(line, line, 0) is None
