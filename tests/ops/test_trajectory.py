"""Camera paths: rigid, upright, starting and ending at the photo, staying in front of the scene."""

import math

import pytest
import torch

from vistadream.core import Camera, Scene, View
from vistadream.ops.trajectory import Spiral, Swing, look_at, reach_of

PATHS = [Spiral(radius=0.3, height=0.5, depth=0.3, turns=2), Swing(radius=0.3)]


def flat_view(depth: float = 2.0, pose: torch.Tensor | None = None) -> View:
    camera = Camera.from_fov(60, 40, 30)
    if pose is not None:
        camera = camera.at(pose)
    mask = torch.ones(30, 40, dtype=torch.bool)
    return View("input", camera, torch.zeros(30, 40, 3), torch.full((30, 40), depth), mask, mask, ~mask)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_poses_are_rigid_and_end_where_the_photo_stands(path) -> None:
    view = flat_view()
    cameras = path(Scene((view,)), 25)
    assert len(cameras) == 25
    for camera in cameras:
        R = camera.cam_from_world[:3, :3]
        torch.testing.assert_close(R @ R.T, torch.eye(3), atol=1e-5, rtol=0)
        assert float(torch.linalg.det(R)) == pytest.approx(1, abs=1e-5)
        assert torch.equal(camera.K, view.camera.K)
    for end in (cameras[0], cameras[-1]):
        torch.testing.assert_close(end.cam_from_world, view.camera.cam_from_world, atol=1e-5, rtol=0)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_all_cameras_look_at_the_focus(path) -> None:
    view = flat_view()
    target = torch.tensor([[0.0, 0.0, reach_of(view).focus_z]])
    for camera in path(Scene((view,)), 9):
        uv, z = camera.project(target)
        torch.testing.assert_close(uv[0], torch.tensor([camera.cx, camera.cy]), atol=1e-3, rtol=0)
        assert float(z) > 0


@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_the_path_moves_with_the_view(path) -> None:
    """A view elsewhere in the world gets the same path relative to itself."""
    pose = look_at(torch.tensor([3.0, -1.0, 2.0]), torch.tensor([0.0, 0.0, 5.0]), torch.tensor([0.0, 1.0, 0.0]))
    here, there = flat_view(), flat_view(pose=pose)
    for a, b in zip(path(Scene((here,)), 7), path(Scene((there,)), 7), strict=True):
        torch.testing.assert_close(b.cam_from_world @ there.camera.world_from_cam, a.cam_from_world, atol=1e-5, rtol=0)


def test_a_spiral_of_n_turns_turns_n_times() -> None:
    view = flat_view()
    for turns in (1, 3):
        centres = torch.stack([c.center for c in Spiral(0.3, 1.0, 0.0, turns)(Scene((view,)), 400)])[1:-1]
        angle = torch.atan2(centres[:, 1], centres[:, 0]).double().numpy()
        swept = abs(float((torch.tensor(angle[1:] - angle[:-1]) + math.pi).remainder(2 * math.pi).sub(math.pi).sum()))
        assert swept / (2 * math.pi) == pytest.approx(turns, abs=0.02)


def test_a_spiral_never_passes_the_nearest_surface() -> None:
    view = flat_view(depth=0.5)
    assert max(float(c.center[2]) for c in Spiral(0.3, 0.5, 0.8, 4)(Scene((view,)), 100)) < 0.5


def test_the_reach_scales_with_the_scene() -> None:
    small, large = reach_of(flat_view(1.0)), reach_of(flat_view(10.0))
    assert large.focus_z == pytest.approx(10 * small.focus_z)


def test_a_view_without_depth_has_no_reach() -> None:
    view = flat_view()
    blind = View("x", view.camera, view.rgb, None, view.supervise, view.lift, view.generated)
    with pytest.raises(ValueError, match="no depth"):
        reach_of(blind)


def test_knobs_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Spiral\.depth"):
        Spiral(0.1, 0.1, 0.9, 1)
