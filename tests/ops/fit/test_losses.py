"""The losses are zero where they should be, and free of what they should be free of."""

import torch

from vistadream.core import Camera, Rendering, View
from vistadream.ops.fit.losses import (
    cycle_error,
    disparity_error,
    normal_error,
    photometric,
    pixel_weights,
    weighted_mean,
)

ALL = torch.ones(12, 16, dtype=torch.bool)


def view(rgb: torch.Tensor, supervise=ALL, generated=~ALL) -> View:
    return View("v", Camera.from_fov(60, 16, 12), rgb, None, supervise, supervise, generated)


def test_the_disparity_error_is_relative_to_the_mean_and_free_of_the_scene_s_unit() -> None:
    z, disparity = torch.rand(12, 16) + 1, torch.rand(12, 16) + 1
    here = disparity_error(z, disparity, ALL)
    torch.testing.assert_close(here, (1 / z - disparity).abs() / disparity.mean())
    torch.testing.assert_close(here, disparity_error(1000 * z, disparity / 1000, ALL))


def test_nothing_counts_outside_the_mask_or_where_nothing_is_drawn_or_asked() -> None:
    z, disparity = torch.rand(12, 16) + 1, torch.rand(12, 16) + 1
    z[0, 0], disparity[0, 1] = 0, 0
    mask = ALL.clone()
    mask[1] = False
    error = disparity_error(z, disparity, mask)
    assert error[0, :2].tolist() == [0, 0]
    assert float(error[1].abs().max()) == 0
    assert float(disparity_error(z, disparity, ~ALL).abs().max()) == 0


def test_the_gradient_of_the_disparity_error_is_finite_where_depth_is_missing() -> None:
    z = torch.zeros(12, 16)
    z[:6] = 2.0
    z.requires_grad_()
    disparity_error(z, torch.full((12, 16), 0.3), ALL).sum().backward()
    assert bool(torch.isfinite(z.grad).all())
    assert bool((z.grad[6:] == 0).all())


def test_normals_cost_by_their_angle() -> None:
    a = torch.tensor([0.0, 0.0, -1.0]).expand(12, 16, 3)
    b = torch.tensor([0.0, -1.0, 0.0]).expand(12, 16, 3)
    assert float(normal_error(a, a, ALL).max()) == 0
    assert float(normal_error(a, b, ALL).min()) == 1
    assert float(normal_error(a, -a, ALL).min()) == 2
    assert float(normal_error(a, -a, ALL, signed=False).max()) == 0
    assert float(normal_error(a, b, ~ALL).max()) == 0


def test_large_reprojection_errors_are_occlusions_and_cost_nothing() -> None:
    errors = torch.tensor([0.0, 0.5, 0.99, 1.0, 30.0], requires_grad=True)
    cost = cycle_error(errors)
    torch.testing.assert_close(cost.detach(), torch.tensor([0, 0.5 * 0.60653, 0.99 * 0.37158, 0, 0]))
    cost.sum().backward()
    torch.testing.assert_close(errors.grad, torch.tensor([1, 0.60653, 0.37158, 0, 0]))


def test_the_mean_is_over_the_mask_alone_or_weighed() -> None:
    error = torch.arange(12 * 16.0).reshape(12, 16)
    assert float(weighted_mean(error, error < 10)) == 4.5
    assert float(weighted_mean(error, ~ALL)) == 0
    assert float(weighted_mean(torch.tensor([1.0, 4.0]), torch.tensor([0.5, 0.25]))) == 2


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
