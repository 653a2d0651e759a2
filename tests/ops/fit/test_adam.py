"""Adam over Gaussians against torch's own class, which the source does not use because its import is slow."""

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
