"""The world and unit of given poses, for cameras that were found in another world."""

from dataclasses import replace

import torch

from vistadream.backends.poses.unit import in_unit_of
from vistadream.core import Registration, SparsePoints
from vistadream.ops.views.similarity import Similarity

MOVE = Similarity(
    0.2, torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]), torch.tensor([1.0, 2.0, 3.0])
)


def found_elsewhere(world):
    """The true cameras of a world, in another one."""
    none = torch.zeros(0, dtype=torch.int64)
    xyz = torch.tensor([[0.0, 0.0, 5.0]])
    points = SparsePoints(MOVE.points(xyz), torch.zeros(1, 3), torch.zeros(1), (), none, none, torch.zeros(0, 2))
    cameras = {view.name: MOVE.camera(camera) for view, camera in zip(world.views, world.truth, strict=True)}
    return Registration(cameras, points)


def test_cameras_and_points_return_to_the_given_world(world):
    views = [*world.posed()[:4], *world.views[4:]]
    found = in_unit_of(views, found_elsewhere(world))
    assert found.keeps_unit
    for view, camera in zip(world.views, world.truth, strict=True):
        assert torch.allclose(found.cameras[view.name].cam_from_world, camera.cam_from_world, atol=1e-3)
    assert torch.allclose(found.points.xyz, torch.tensor([[0.0, 0.0, 5.0]]), atol=1e-3)


def test_one_wrong_pose_does_not_matter(world):
    views = world.posed()
    away = views[2].camera.cam_from_world.clone()
    away[0, 3] += 5
    views[2] = replace(views[2], camera=views[2].camera.at(away))
    found = in_unit_of(views, found_elsewhere(world))
    assert torch.allclose(found.cameras["photo_0"].cam_from_world, world.truth[0].cam_from_world, atol=1e-3)


def test_two_given_poses_fix_no_unit(world):
    elsewhere = found_elsewhere(world)
    assert in_unit_of([*world.posed()[:2], *world.views[2:]], elsewhere) is elsewhere
    assert in_unit_of(world.views, elsewhere) is elsewhere


def test_poses_that_contradict_the_found_ones_are_not_used(world):
    elsewhere = found_elsewhere(world)
    generator = torch.Generator().manual_seed(2)
    views = world.posed(
        lambda camera: camera.at(
            torch.eye(4) + torch.nn.functional.pad(torch.randn(3, 1, generator=generator), (3, 0, 0, 1))
        )
    )
    assert in_unit_of(views, elsewhere) is elsewhere
