"""The optimisation loop on a renderer small enough to reason about."""

from dataclasses import replace

import pytest
import torch

from vistadream.backends.render.cpu import CpuRenderer
from vistadream.core import Camera, Gaussians, Progress, Rendering, View, silent
from vistadream.ops.fit import LearningRates, fit, view_order

RATES = LearningRates(means=0.1, quats=0.01, scales=0.01, opacities=0.05, colors=0.05)


def mean_colour(gaussians, cameras, *, want=("rgb",), extra=None):
    """Every pixel shows the opacity-weighted sum of all colours."""
    colour = (gaussians.opacities[:, None] * gaussians.colors).sum(0)
    return [Rendering(rgb=colour.expand(c.height, c.width, 3)) for c in cameras]


def some(n: int = 3) -> Gaussians:
    upright = torch.tensor([[1.0, 0, 0, 0]]).repeat(n, 1)
    return Gaussians(torch.zeros(n, 3), upright, torch.ones(n, 3), torch.full((n,), 0.3), torch.full((n, 3), 0.2))


def target(value: float) -> View:
    mask = torch.ones(4, 4, dtype=torch.bool)
    return View("v", Camera.from_fov(60, 4, 4), torch.full((4, 4, 3), value), None, mask, mask, ~mask)


def l1(view: View, rendering: Rendering, step: int) -> torch.Tensor:
    return (view.rgb - rendering.rgb).abs().mean()


def test_the_fit_reaches_a_reachable_target() -> None:
    fitted = fit(some(), [target(0.5)], mean_colour, l1, RATES, order=[0] * 150, observe=silent, name="t")
    got = mean_colour(fitted, [target(0.5).camera])[0].rgb
    torch.testing.assert_close(got, torch.full((4, 4, 3), 0.5), atol=0.01, rtol=0)


def test_colours_and_opacities_stay_physical() -> None:
    fitted = fit(some(), [target(9.0)], mean_colour, l1, RATES, order=[0] * 200, observe=silent, name="t")
    assert float(fitted.colors.max()) <= 1
    assert float(fitted.opacities.min()) > 0
    assert float(fitted.opacities.max()) < 1
    assert bool((fitted.scales > 0).all())


def test_coefficients_of_harmonics_may_leave_the_range_of_colours() -> None:
    dark = replace(some(), colors=torch.full((3, 4, 3), -0.9))
    fitted = fit(dark, [target(0.5)], CpuRenderer(), l1, RATES, order=[0] * 3, observe=silent, name="t")
    assert fitted.colors.shape == (3, 4, 3)
    assert float(fitted.colors.max()) < 0


def test_no_steps_and_no_gaussians_change_nothing() -> None:
    start = some()
    assert fit(start, [target(1.0)], mean_colour, l1, RATES, order=[], observe=silent, name="t") is start
    assert len(fit(Gaussians.empty(), [target(1.0)], mean_colour, l1, RATES, order=[0], observe=silent, name="t")) == 0


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_view() -> None:
    def broken(view, rendering, step):
        return rendering.rgb.sum() * float("nan")

    with pytest.raises(FloatingPointError, match="step 0 on view 'v'"):
        fit(some(), [target(1.0)], mean_colour, broken, RATES, order=[0, 0], observe=silent, name="t")


def test_every_step_is_told() -> None:
    seen = []
    fit(
        some(),
        [target(1.0)],
        mean_colour,
        l1,
        RATES,
        order=[0] * 5,
        observe=lambda *a, **k: seen.append((a, k)),
        name="t",
    )
    assert [a[1] for a, _ in seen if a[0] == "t/progress"] == [Progress(i + 1, 5) for i in range(5)]
    losses = [a[1] for a, _ in seen if a[0] == "t/loss"]
    assert len(losses) == 5
    assert losses[-1] < losses[0]


def test_each_step_asks_for_the_maps_that_its_loss_reads() -> None:
    asked, heard = [], []

    def renderer(gaussians, cameras, *, want=("rgb",), extra=None):
        asked.append(want)
        return mean_colour(gaussians, cameras)

    def loss(view, rendering, step):
        heard.append(step)
        return l1(view, rendering, step)

    start, maps = some(), [("rgb",), ("rgb", "z"), ("rgb",)]
    fit(start, [target(1.0)], renderer, loss, RATES, order=[0] * 3, want=maps.__getitem__, observe=silent, name="t")
    assert (asked, heard) == (maps, [0, 1, 2])


def test_the_order_follows_the_weights_and_the_seed() -> None:
    order = view_order([2.0, 1.0, 1.0], 40, seed=3)
    assert [order.count(i) for i in range(3)] == [20, 10, 10]
    assert order == view_order([2.0, 1.0, 1.0], 40, seed=3)
    assert order != view_order([2.0, 1.0, 1.0], 40, seed=4)


def test_a_negative_rate_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"LearningRates\.quats"):
        LearningRates(0.1, -0.1, 0.1, 0.1, 0.1)


def test_a_hidden_gaussian_does_not_drift() -> None:
    """A gradient ten thousand times fainter than the typical one moves its Gaussian by far less than the others."""

    def faint(gaussians, cameras, *, want=("rgb",), extra=None):
        weights = torch.tensor([1.0, 1.0, 1e-4])
        colour = (weights[:, None] * gaussians.opacities[:, None] * gaussians.colors).sum(0)
        return [Rendering(rgb=colour.expand(c.height, c.width, 3)) for c in cameras]

    start = some()
    fitted = fit(start, [target(0.9)], faint, l1, RATES, order=[0] * 20, observe=silent, name="t")
    moved = (fitted.opacities - start.opacities).abs()
    assert float(moved[2]) < 0.05 * float(moved[0])
