"""The optimisation loop on a renderer small enough to reason about."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Progress, Rendering, View, silent, use_checkpoints
from vistadream.ops.fit.loop import Adapt, Change, LearningRates, fit, view_order

RENDERER = configured("backends/render=cpu")

RATES = LearningRates(means=0.1, quats=0.01, scales=0.01, opacities=0.05, colors=0.05)


def mean_color(gaussians, cameras, *, want=("rgb",), extra=None):
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
    fitted = fit(some(), [target(0.5)], mean_color, l1, RATES, order=[0] * 150, observe=silent, name="t")
    got = mean_color(fitted, [target(0.5).camera])[0].rgb
    torch.testing.assert_close(got, torch.full((4, 4, 3), 0.5), atol=0.01, rtol=0)


def test_colours_and_opacities_stay_physical() -> None:
    fitted = fit(some(), [target(9.0)], mean_color, l1, RATES, order=[0] * 200, observe=silent, name="t")
    assert float(fitted.colors.max()) <= 1
    assert float(fitted.opacities.min()) > 0
    assert float(fitted.opacities.max()) < 1
    assert bool((fitted.scales > 0).all())


def test_coefficients_of_harmonics_may_leave_the_range_of_colours() -> None:
    dark = replace(some(), colors=torch.full((3, 4, 3), -0.9))
    fitted = fit(dark, [target(0.5)], RENDERER, l1, RATES, order=[0] * 3, observe=silent, name="t")
    assert fitted.colors.shape == (3, 4, 3)
    assert float(fitted.colors.max()) < 0


def test_no_steps_and_no_gaussians_change_nothing() -> None:
    start = some()
    assert fit(start, [target(1.0)], mean_color, l1, RATES, order=[], observe=silent, name="t") is start
    assert len(fit(Gaussians.empty(), [target(1.0)], mean_color, l1, RATES, order=[0], observe=silent, name="t")) == 0


def test_three_losses_in_a_row_that_are_not_finite_stop_with_the_step_and_the_view() -> None:
    def broken(view, rendering, step):
        return rendering.rgb.sum() * float("nan")

    with pytest.raises(FloatingPointError, match="became nan at step 2 on view 'v'"):
        fit(some(), [target(1.0)], mean_color, broken, RATES, order=[0] * 3, observe=silent, name="t")


@pytest.mark.parametrize("trouble", [lambda cost: cost * float("nan"), lambda cost: (cost - cost).sqrt(), "diverged"])
def test_a_bad_step_is_taken_back_and_told(trouble) -> None:
    """At step 25 the loss, its gradient (that of a root at 0) or its size is bad; every other step is as ever."""
    heard, rates = [], []

    def watched(gaussians, cameras, *, want=("rgb",), extra=None):
        rates.append(gaussians.colors.detach().clone())
        return mean_color(gaussians, cameras)

    def loss(view, rendering, step):
        cost = l1(view, rendering, step)
        if step != 25:
            return cost
        return cost + 10 if trouble == "diverged" else trouble(cost)

    fitted = fit(
        some(),
        [target(0.9)],
        watched,
        loss,
        RATES,
        order=[0] * 60,
        observe=lambda name, value, step=None: heard.append((name, value)),
        name="t",
    )
    told = [value for name, value in heard if name == "t/trouble"]
    assert [note.level for note in told] == ["warning"]
    assert "at step 25 on view 'v': undone" in told[0].text
    assert torch.equal(rates[26], rates[20])
    first, second = (rates[i + 1] - rates[i] for i in (20, 26))
    assert float((second / first).max()) < 0.55
    assert len([name for name, _ in heard if name == "t/loss"]) == 59
    torch.testing.assert_close(
        mean_color(fitted, [target(0.9).camera])[0].rgb[0, 0], torch.full((3,), 0.9), atol=0.05, rtol=0
    )


def test_every_step_is_told() -> None:
    seen = []
    fit(
        some(),
        [target(1.0)],
        mean_color,
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
        return mean_color(gaussians, cameras)

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


def test_a_change_drops_and_adds_gaussians() -> None:
    """The one that is dropped is gone, those that stay go on as they were, new ones join in."""
    asked, new = [], some(2)

    def adapt(step: int, gaussians: Gaussians) -> Change | None:
        asked.append((step, gaussians))
        return Change(torch.tensor([True, False, True]), new) if step == 5 else None

    due = Adapt(frozenset({3, 5, 8}), adapt)
    fitted = fit(some(), [target(0.9)], mean_color, l1, RATES, order=[0] * 8, observe=silent, name="t", adapt=due)
    assert [step for step, _ in asked] == [3, 5, 8]
    assert [len(gaussians) for _, gaussians in asked] == [3, 3, 4]
    assert not any(tensor.requires_grad for _, gaussians in asked for _, tensor in gaussians.tensors())
    assert bool((fitted.colors[2:] != new.colors).all())


def test_who_stays_goes_on_as_if_nothing_had_happened() -> None:
    """A change that drops Gaussians without any say gives the bits of a fit that never had them."""

    def only_the_first(gaussians, cameras, *, want=("rgb",), extra=None):
        return mean_color(gaussians.subset(torch.tensor([0])), cameras)

    def adapt(step: int, gaussians: Gaussians) -> Change:
        return Change(torch.tensor([True, False, False]))

    def fitted(**how) -> Gaussians:
        return fit(some(), [target(0.9)], only_the_first, l1, RATES, order=[0] * 20, observe=silent, name="t", **how)

    for (name, whole), (_, pruned) in zip(
        fitted().tensors(), fitted(adapt=Adapt(frozenset({7}), adapt)).tensors(), strict=True
    ):
        assert torch.equal(whole[:1], pruned), name


@pytest.mark.parametrize(
    ("keep", "said"),
    [(torch.ones(2, dtype=torch.bool), "for each of 3"), (torch.zeros(3, dtype=torch.bool), "none of 3")],
)
def test_a_change_that_cannot_be_made_is_refused(keep, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit(
            some(),
            [target(0.9)],
            mean_color,
            l1,
            RATES,
            order=[0],
            observe=silent,
            name="t",
            adapt=Adapt(frozenset({1}), lambda *_: Change(keep)),
        )


class Kept:
    """Checkpoints in memory that are always due; the one of number `fatal` is the last thing that happens."""

    def __init__(self, fatal: int | None = None):
        self.state: dict[str, torch.Tensor] | None = None
        self._fatal, self._saves = fatal, 0

    def load(self, name: str):
        return self.state

    def due(self) -> bool:
        return True

    def save(self, name: str, state) -> None:
        self.state, self._saves = {key: tensor.clone() for key, tensor in state.items()}, self._saves + 1
        if self._saves == self._fatal:
            raise KeyboardInterrupt


class Remembering:
    """A loss whose weight is the number of times that it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, view: View, rendering: Rendering, step: int) -> torch.Tensor:
        self.asked += 1
        cost = (1 + 0.1 * self.asked) * l1(view, rendering, step)
        return cost * float("nan") if step in (33, 47) else cost

    def state(self):
        return {"asked": torch.tensor(self.asked)}

    def load_state(self, state) -> None:
        self.asked = int(state["asked"])


@pytest.mark.parametrize("fatal", [1, 2, 3, 4, 5])
def test_a_killed_fit_goes_on_to_the_same_bits(fatal: int) -> None:
    """Through a prune, two steps that are taken back, and a loss that remembers."""

    adapt = Adapt(frozenset({25}), lambda *_: Change(torch.tensor([True, False, True]), some(1)))

    def go(observe=silent) -> Gaussians:
        views = [target(0.9), replace(target(0.6), name="w")]
        order = view_order([1, 1], 70, seed=0)
        return fit(some(), views, mean_color, Remembering(), RATES, order=order, observe=observe, name="t", adapt=adapt)

    unbroken, kept, heard = go(), Kept(fatal), {True: [], False: []}
    with pytest.raises(KeyboardInterrupt), use_checkpoints(kept):
        go()
    for resumed in (True, False):
        with use_checkpoints(kept) if resumed else nullcontext():
            fitted = go(lambda name, value, step=None, to=heard[resumed]: to.append((name, value, step)))
        for (name, wanted), (_, got) in zip(unbroken.tensors(), fitted.tensors(), strict=True):
            assert torch.equal(wanted, got), name
    curves = [[event for event in events if event[0] == "t/loss"] for events in heard.values()]
    assert curves[0] == curves[1]
    assert any(name == "t/checkpoint" for name, *_ in heard[True])
