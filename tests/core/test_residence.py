"""Nouns that move to another device, checked on a pretended GPU."""

from __future__ import annotations

import pytest
import torch
from tests.devices.fake_device import FakeDevice, OnCuda
from torch import Tensor

from vistadream.core import Camera, Gaussians, Scene, View

CAMERA = Camera.from_focal(20.0, 8, 6).at(torch.tensor([[0, 0, 1, 0.5], [0, 1, 0, 0.2], [-1, 0, 0, 1], [0, 0, 0, 1]]))


def _view() -> View:
    mask = torch.ones(6, 8, dtype=torch.bool)
    return View(
        "photo", CAMERA, torch.rand(6, 8, 3), torch.rand(6, 8) + 1, mask, mask, ~mask, normals=torch.rand(6, 8, 3)
    )


def _same(found: Tensor, wanted: Tensor) -> bool:
    assert isinstance(found, OnCuda)
    return torch.equal(found.cpu(), wanted)


def test_a_camera_computes_where_its_argument_is() -> None:
    points, z = torch.rand(5, 3), torch.rand(6, 8) + 1
    with FakeDevice():
        for found, wanted in zip(CAMERA.project(points.to("cuda")), CAMERA.project(points), strict=True):
            assert _same(found, wanted)
        assert _same(CAMERA.unproject(z.to("cuda")), CAMERA.unproject(z))
        assert _same(CAMERA.rays("cuda"), CAMERA.rays())


def test_a_camera_is_copied_once_and_its_numbers_stay_at_hand() -> None:
    camera = CAMERA.resize(16, 12)
    with FakeDevice() as device:
        z = torch.ones(12, 16, device="cuda")
        camera.unproject(z)
        assert device.crossings == ["to cuda", "to cuda"]  # the intrinsics and the pose
        camera.project(camera.unproject(z))
        assert camera.to(z.device).fx == camera.fx
        assert len(device.crossings) == 2


def test_gradients_reach_a_pose_from_another_device() -> None:
    pose = CAMERA.cam_from_world.clone().requires_grad_()
    with FakeDevice():
        CAMERA.at(pose).project(torch.rand(5, 3).to("cuda"))[1].sum().backward()
    assert pose.grad is not None
    assert float(pose.grad.abs().sum()) > 0


def test_a_scene_moves_with_its_views_and_gaussians_and_comes_back() -> None:
    view = _view()
    scene = Scene((view,), Gaussians(*(torch.rand(4, *shape) for shape in ((3,), (4,), (3,), (), (3,)))))
    with FakeDevice():
        there = scene.to("cuda")
        assert all(isinstance(tensor, OnCuda) for _, tensor in there.gaussians.tensors())
        assert isinstance(there.anchor.depth, OnCuda)
        assert there.anchor.camera is view.camera
        back = there.to("cpu")
    assert torch.equal(back.anchor.rgb, view.rgb)
    assert torch.equal(back.gaussians.means, scene.gaussians.means)


@pytest.mark.parametrize("noun", [_view(), Gaussians.empty()])
def test_what_is_there_already_is_not_copied(noun: View | Gaussians) -> None:
    assert noun.to("cpu") is noun
