"""The size of a Gaussian in a picture, and the size at which it was fitted."""

from dataclasses import replace

import pytest
import torch

from vistadream.core import Camera, Gaussians, View
from vistadream.ops.gaussians.size_px import fitted_sizes_px, sizes_px

CAMERA = Camera.from_fov(60, 96, 64)
NEAR = CAMERA.at(torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -2], [0, 0, 0, 1]]))


def ball(z: float, radius: float) -> Gaussians:
    size = torch.full((1, 3), radius)
    return Gaussians(torch.tensor([[0.0, 0, z]]), torch.eye(4)[:1], size, torch.ones(1), torch.ones(1, 3))


def test_the_size_of_a_ball_is_its_radius_in_the_picture():
    assert sizes_px(ball(4.0, 0.1), CAMERA).item() == pytest.approx(CAMERA.fx * 0.1 / 4)
    assert sizes_px(ball(-4.0, 0.1), CAMERA).item() == 0


def test_a_needle_that_pointed_at_the_camera_is_larger_from_the_side():
    needle = replace(ball(4.0, 0.01), scales=torch.tensor([[0.01, 0.01, 0.5]]))
    side = torch.eye(4)
    side[:3, :3] = torch.tensor([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])
    side[:3, 3] = -side[:3, :3] @ torch.tensor([-4.0, 0, 4])
    ahead, across = sizes_px(needle, CAMERA).item(), sizes_px(needle, CAMERA.at(side)).item()
    assert across == pytest.approx(CAMERA.fx * 0.5 / 4, rel=1e-4)
    assert across > 40 * ahead


def view(camera: Camera, supervise: bool = True) -> View:
    pixels = torch.full((camera.height, camera.width), supervise)
    return View("view", camera, torch.zeros(*pixels.shape, 3), None, pixels, pixels, ~pixels)


def test_a_gaussian_is_fitted_at_its_largest_size_in_any_picture():
    assert fitted_sizes_px(ball(4.0, 0.1), [view(CAMERA), view(NEAR)]).item() == pytest.approx(CAMERA.fx * 0.1 / 2)


def test_of_one_that_no_picture_has_the_largest_size_counts():
    aside = replace(ball(4.0, 0.1), means=torch.tensor([[90.0, 0.0, 4.0]]))
    assert fitted_sizes_px(aside, [view(CAMERA)]).item() == sizes_px(aside, CAMERA).item() > 0


def test_a_picture_does_not_count_where_the_fit_does_not_look_at_it_unless_there_is_no_other():
    one, far = ball(4.0, 0.1), pytest.approx(CAMERA.fx * 0.1 / 4)
    assert fitted_sizes_px(one, [view(CAMERA), view(NEAR, supervise=False)]).item() == far
    assert fitted_sizes_px(one, [view(CAMERA, supervise=False)]).item() == far
