"""Poses for new views: along the path past all photos, and in an envelope around the first."""

import pytest
import torch

from vistadream.core import Camera, Scene, View, silent
from vistadream.ops.camera_path.envelope import Envelope
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import centers_of
from vistadream.stages.candidates import Candidates
from vistadream.trajectories.paths import Spiral
from vistadream.trajectories.photos import Photos

SPIRAL = Spiral(radius=0.1, height=0.4, depth=0.1, turns=2)
ENVELOPE = Envelope(0.5, 30, 15, n_wide=2, wide_scale=0.4)


def photo(i: int, x: float, y: float, z: float) -> View:
    mask, pose = torch.ones(30, 40, dtype=torch.bool), torch.eye(4)
    pose[:3, 3] = -torch.tensor([x, y, z])
    camera = Camera.from_fov(60, 40, 30).at(pose)
    return View(f"p{i}", camera, torch.zeros(30, 40, 3), torch.full((30, 40), 4.0 - z), mask, mask, ~mask)


PLACES = [(0, 0, 0), (0.6, 0.3, 0.2), (0.8, -0.3, -0.2), (1.6, 0.2, 0.3), (1.7, -0.1, 0.0)]
SCENE = Scene(tuple(photo(i, *place) for i, place in enumerate(PLACES)))


@pytest.mark.parametrize("explore", [0.0, 0.5, 1.0])
def test_explore_scales_the_envelope_and_leaves_the_number_of_poses_on_the_path(explore: float) -> None:
    poses = Candidates(Photos(SPIRAL, 0.4), 60, ENVELOPE, explore, 0)(SCENE, silent)
    assert len(poses.path) == 60
    assert bool(poses.around) == (explore > 0)
    if explore:
        farthest = float(centers_of(poses.around).norm(dim=1).max())
        assert farthest == pytest.approx(explore * 0.5 * 4.0, rel=0.01)


@pytest.mark.parametrize(("explore", "factor"), [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (2.5, 2.5)])
def test_a_path_grows_with_explore_above_one_and_never_shrinks(explore: float, factor: float) -> None:
    asked, kept = SPIRAL(SCENE, 10), Candidates(SPIRAL, 10, ENVELOPE, explore, 0)(SCENE, silent).path
    torch.testing.assert_close(centers_of(kept)[:, :2], factor * centers_of(asked)[:, :2], atol=1e-5, rtol=1e-5)


def test_without_an_envelope_poses_lie_on_the_path_alone() -> None:
    poses = Candidates(Photos(SPIRAL, 0.4), 60, None, 1.0, 0)(SCENE, silent)
    assert not poses.around
    assert not poses.wide


def test_new_views_are_larger_than_the_photo_and_in_the_free_space() -> None:
    poses = Candidates(SPIRAL, 10, ENVELOPE, 1.0, 3)(SCENE, silent)
    assert {(camera.width, camera.height) for camera in [*poses.path, *poses.around]} == {(46, 36)}
    assert FreeSpace.of(SCENE).contains(centers_of(poses.around)).all()
