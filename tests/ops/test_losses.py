"""The losses are zero where they should be, and free of what they should be free of."""

import torch

from vistadream.core import Camera, Rendering, View
from vistadream.ops.losses import disparity_error, masked_mean, normal_error, photometric, pixel_weights

ALL = torch.ones(12, 16, dtype=torch.bool)


def view(rgb: torch.Tensor, supervise=ALL, generated=~ALL) -> View:
    return View("v", Camera.from_fov(60, 16, 12), rgb, None, supervise, supervise, generated)


def test_a_prior_that_is_an_affine_of_the_disparity_costs_nothing() -> None:
    z = torch.rand(12, 16) + 1
    prior = 1 / ((1 / z - 0.1) / 0.7)
    assert float(disparity_error(z, prior, 0.7, 0.1, ALL).abs().max()) < 1e-5


def test_the_disparity_error_is_free_of_the_scene_s_unit() -> None:
    z, prior = torch.rand(12, 16) + 1, torch.rand(12, 16) + 1
    here, there = disparity_error(z, prior, 1.0, 0.0, ALL), disparity_error(1000 * z, 1000 * prior, 1.0, 0.0, ALL)
    torch.testing.assert_close(here, there)


def test_nothing_counts_outside_the_mask_or_where_nothing_is_drawn() -> None:
    z, prior = torch.rand(12, 16) + 1, torch.rand(12, 16) + 1
    z[0, 0] = 0
    mask = ALL.clone()
    mask[1] = False
    error = disparity_error(z, prior, 1.0, 0.0, mask)
    assert float(error[0, 0]) == 0
    assert float(error[1].abs().max()) == 0
    assert float(disparity_error(z, prior, 1.0, 0.0, ~ALL).abs().max()) == 0


def test_the_gradient_of_the_disparity_error_is_finite_where_depth_is_missing() -> None:
    z = torch.zeros(12, 16)
    z[:6] = 2.0
    z.requires_grad_()
    disparity_error(z, torch.full((12, 16), 3.0), 1.0, 0.0, ALL).sum().backward()
    assert bool(torch.isfinite(z.grad).all())
    assert bool((z.grad[6:] == 0).all())


def test_normals_cost_by_their_angle() -> None:
    a = torch.tensor([0.0, 0.0, -1.0]).expand(12, 16, 3)
    b = torch.tensor([0.0, -1.0, 0.0]).expand(12, 16, 3)
    assert float(normal_error(a, a, ALL).max()) == 0
    assert float(normal_error(a, b, ALL).min()) == 1
    assert float(normal_error(a, -a, ALL).min()) == 2
    assert float(normal_error(a, b, ~ALL).max()) == 0


def test_the_mean_is_over_the_mask_alone() -> None:
    error = torch.arange(12 * 16.0).reshape(12, 16)
    mask = error < 10
    assert float(masked_mean(error, mask)) == 4.5
    assert float(masked_mean(error, ~ALL)) == 0


def test_invented_pixels_weigh_less_and_unsupervised_ones_nothing() -> None:
    supervise, generated = ALL.clone(), ~ALL
    supervise[0] = False
    generated = generated.clone()
    generated[1] = True
    weights = pixel_weights(view(torch.zeros(12, 16, 3), supervise, generated), 0.25)
    assert (float(weights[0].max()), float(weights[1].min()), float(weights[2].min())) == (0, 0.25, 1)


def test_the_photometric_loss_sees_supervised_pixels_only() -> None:
    target = torch.rand(12, 16, 3)
    supervise = ALL.clone()
    supervise[:, 8:] = False
    drawn = target.clone()
    drawn[:, 8:] = 0
    assert float(photometric(view(target, supervise), Rendering(rgb=drawn), dssim=0.0, generated=1.0)) == 0
    assert float(photometric(view(target), Rendering(rgb=drawn), dssim=0.0, generated=1.0)) > 0
    assert float(photometric(view(target), Rendering(rgb=target.clone()), dssim=1.0, generated=1.0)) < 1e-6
