"""Depth of a model brought to known depth around."""

import torch

from vistadream.ops.depth.carry import carried

H, W = 60, 80
X = torch.linspace(-1, 1, W).expand(H, W)


def test_a_smooth_factor_is_found_and_undone():
    truth = 3 + X
    mask = torch.rand(H, W) < 0.5
    z, misfit = carried(truth / (2 + 0.3 * X), torch.where(mask, truth, 1.0), mask)
    inner = (slice(5, -5), slice(5, -5))
    assert ((z - truth).abs() / truth)[inner].max() < 0.03
    assert misfit[inner].max() < 0.03


def test_a_hole_takes_the_factor_of_its_rim():
    truth = 3 + X
    mask = torch.ones(H, W, dtype=torch.bool)
    mask[20:40, 30:50] = False
    z, _ = carried(0.25 * truth, torch.where(mask, truth, 1.0), mask)
    assert torch.allclose(z[20:40, 30:50], truth[20:40, 30:50], rtol=1e-4)


def test_a_model_that_contradicts_the_known_depth_has_a_large_misfit():
    mask = torch.rand(H, W) < 0.5
    known = 2 + torch.rand(H, W) * (X > 0)
    _, misfit = carried(torch.full((H, W), 2.0), torch.where(mask, known, 1.0), mask)
    assert misfit[:, -20:].min() > 0.05
    assert misfit[:, :20].max() < 0.02


def test_far_from_known_depth_there_is_none():
    mask = torch.zeros(H, W, dtype=torch.bool)
    mask[:5, :5] = True
    _, misfit = carried(torch.ones(H, W), torch.ones(H, W), mask)
    assert misfit[0, 0] < 1e-3
    assert (misfit[-20:, -20:] == torch.inf).all()
    nothing = torch.zeros_like(mask)
    assert (carried(torch.ones(H, W), torch.ones(H, W), nothing)[1] == torch.inf).all()
