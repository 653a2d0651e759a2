"""Adam over Gaussians against torch's own class, which the source does not use because its import is slow."""

from dataclasses import replace

import pytest
import torch

from vistadream.core import Gaussians
from vistadream.ops.fit.adam import GaussianAdam, LearningRates

RATES = LearningRates(means=0.0, quats=0.0, scales=0.0, opacities=0.0, colors=0.03)


def some(n: int) -> Gaussians:
    quats = torch.nn.functional.normalize(torch.randn(n, 4), dim=-1)
    return Gaussians(torch.randn(n, 3), quats, torch.rand(n, 3) + 0.1, torch.rand(n), torch.rand(n, 3))


def test_steps_have_the_bits_of_torch_optim_adam() -> None:
    start, sizes = some(1000), [1.0, 4.0, 0.5, 2.0, 0.25, 8.0]
    ours = GaussianAdam(start, RATES)
    parameter = start.colors.clone().requires_grad_()
    theirs = torch.optim.Adam([parameter], fused=True)
    for n, size in enumerate(sizes):
        gradient = size * (torch.randint(0, 2, (1000, 3)) * 2 - 1)  # its root mean square is exactly `size`
        (ours.gaussians().colors * gradient).sum().backward()
        parameter.grad = gradient.clone()
        theirs.param_groups[0] |= {"lr": RATES.colors * 0.7, "eps": 0.1 * min(sizes[: n + 1])}
        theirs.step()
        assert bool(ours.step(0.7).isfinite().all())
    assert torch.equal(ours.gaussians().colors, parameter)
    state = theirs.state[parameter]
    assert all(torch.equal(ours.state()[f"colors.{key}"], value) for key, value in state.items())
    assert set(state) == {"step", "exp_avg", "exp_avg_sq"}


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    ours = GaussianAdam(some(5), RATES)
    before = ours.state()
    (ours.gaussians().colors * torch.nan).sum().backward()
    assert not bool(ours.step(1.0).isfinite().all())
    assert all(torch.equal(before[name], tensor) for name, tensor in ours.state().items())


def test_a_loaded_state_goes_on_to_the_same_bits() -> None:
    ours, other = GaussianAdam(some(50), RATES), GaussianAdam(some(50), RATES)
    for _ in range(3):
        ours.gaussians().colors.square().sum().backward()
        ours.step(1.0)
    other.load(ours.state())
    for adam in (ours, other):
        adam.gaussians().colors.square().sum().backward()
        adam.step(1.0)
    assert torch.equal(ours.gaussians().colors, other.gaussians().colors)


def test_a_step_turns_an_elongated_gaussian_less() -> None:
    start = some(1)
    round_and_long = Gaussians.concat(start, start)
    scales = torch.tensor([[0.5, 1.0, 1.0], [0.5, 1.0, 6.0]])
    adam = GaussianAdam(replace(round_and_long, scales=scales), replace(RATES, quats=0.01))
    before = adam.fitted().quats_wxyz
    pull = torch.nn.functional.normalize(torch.randn(4), dim=-1)
    (torch.nn.functional.normalize(adam.gaussians().quats_wxyz, dim=-1) * pull).sum().backward()
    adam.step(1.0)
    after = adam.fitted().quats_wxyz
    torch.testing.assert_close(after.norm(dim=-1), torch.ones(2))
    turned = (after - before).norm(dim=-1)
    assert 0.003 < float(turned[0]) < 0.02
    assert float(turned[1] / turned[0]) == pytest.approx(1 / 6, rel=0.3)
