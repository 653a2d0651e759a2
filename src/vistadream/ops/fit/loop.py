"""The optimization loop of all stages: Gaussians x Views x Renderer -> Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from vistadream.core import (
    Checkpoints,
    Gaussians,
    Note,
    Observer,
    Progress,
    Renderer,
    Rendering,
    View,
    current_checkpoints,
)
from vistadream.ops.fit.adam import GaussianAdam, LearningRates
from vistadream.ops.fit.rollback import EVERY, Rollback, Tried, read

Loss = Callable[[View, Rendering, int], Tensor]
"""The loss of a rendered View at a step, a scalar of order 1 when nothing fits. It may be `rollback.Stateful`."""
Want = Callable[[int], Sequence[str]]
"""Names the maps that the loss reads at a step."""


@dataclass(frozen=True, eq=False)
class Change:
    """Which Gaussians stay, in their order, and which new ones are appended."""

    keep: Bool[Tensor, "n"]
    added: Gaussians | None = None


@dataclass(frozen=True)
class Adapt:
    """What changes the Gaussians during a fit."""

    due: frozenset[int]
    """The numbers of completed steps after which `change` is called."""
    change: Callable[[int, Gaussians], Change | None]
    """Gets the number of completed steps and the present Gaussians; None changes nothing.

    It must be a pure function of both, so that a resumed fit makes the same changes."""


def fit(
    gaussians: Gaussians,
    views: Sequence[View],
    renderer: Renderer,
    loss: Loss,
    rates: LearningRates,
    *,
    order: Sequence[int],
    want: Want = lambda step: ("rgb",),
    observe: Observer,
    name: str,
    adapt: Adapt | None = None,
) -> Gaussians:
    """Optimizes all Gaussians with Adam, one View per step in the given `order` (one index into `views` per step).

    RGB colors are clamped to [0, 1] at the end; spherical harmonics are not. Every step sends its loss and its
    rendering to `observe`. A step whose loss or gradient is not finite, or whose loss diverges, is undone with a
    warning, and the fit continues at half the learning rates; raises FloatingPointError after three such steps in a
    row. Within `use_checkpoints` the fit saves its state, and a killed fit resumes to the same bits.

    With Gaussians on a GPU the steps between two marked states are tried before any of them is judged, so that the CPU
    does not wait; the steps after a bad one are undone with it and tried again. Then one rendering in EVERY is sent.
    """
    if not len(gaussians) or not order:
        return gaussians
    checkpoints, device = current_checkpoints(), gaussians.means.device
    adam = GaussianAdam(gaussians, rates)
    rollback = Rollback(adam, loss, len(views))
    if checkpoints and (saved := checkpoints.load(name)):  # double precision has only what the CPU reads
        rollback.resume({key: t if t.dtype == torch.float64 else t.to(device) for key, t in saved.items()})
        _replay(rollback.losses, len(order), observe, name)
    work = _Work(views, renderer, loss, order, want, observe, name, adam, rollback, checkpoints)
    due, at_once = adapt.due if adapt else frozenset(), 1 if device.type == "cpu" else EVERY
    changed = True
    while (step := rollback.done) < len(order):
        if changed or step % EVERY == 0:
            rollback.mark()
        work.settle(range(step, _end(step, at_once, {*due, len(order)})))
        done = rollback.done
        changed = adapt is not None and done in due and _apply(adapt.change(done, adam.gaussians().detach()), adam)
    fitted = adam.fitted()
    return replace(fitted, colors=fitted.colors.clamp(0, 1)) if fitted.colors.dim() == 2 else fitted


def _end(step: int, at_once: int, stops: Collection[int]) -> int:
    """Where the steps from `step` end that are judged together: at the next multiple of `at_once`, or the next stop."""
    return min((step // at_once + 1) * at_once, *(stop for stop in stops if stop > step))


@dataclass(frozen=True, eq=False)
class _Work:
    """What the steps of a fit share."""

    views: Sequence[View]
    renderer: Renderer
    loss: Loss
    order: Sequence[int]
    want: Want
    observe: Observer
    name: str
    adam: GaussianAdam
    rollback: Rollback
    checkpoints: Checkpoints | None

    def settle(self, steps: range) -> None:
        """Tries the steps and keeps those before the first bad one, which is undone with all that follow."""
        loss_before = self.rollback.state_of_loss() if len(steps) > 1 else {}
        tried, first = [], None
        for step in steps:
            one, rgb = self._try(step)
            tried.append(one)
            first = rgb if first is None else first
        for step, (value, finite) in zip(steps, read(tried), strict=True):
            fault = self.rollback.fault(value, finite)
            if fault is None:
                self._keep(step, value, first if step == steps[0] else None)
            else:
                self._undo(f"{self.name}: {fault} at step {step} on view {self._view(step).name!r}", loss_before)
            self.observe(f"{self.name}/progress", Progress(step + 1, len(self.order)))
            if fault is not None:
                break

    def _view(self, step: int) -> View:
        return self.views[self.order[step]]

    def _try(self, step: int) -> tuple[Tried, Tensor | None]:
        """Renders one View and steps along the gradient of its loss; what the step gave, and its rendering."""
        view = self._view(step)
        rendering = self.renderer(self.adam.gaussians(), [view.camera], want=self.want(step))[0]
        cost = self.loss(view, rendering, step)
        cost.backward()
        gradients = self.adam.step(self.rollback.caution * _annealed(step / len(self.order)))
        return Tried(cost.detach(), gradients), None if rendering.rgb is None else rendering.rgb.detach()

    def _undo(self, trouble: str, loss_before: Mapping[str, Tensor]) -> None:
        """Goes back to the last good state, and to a state of the loss; FloatingPointError when that was in vain."""
        if not self.rollback.restore():
            raise FloatingPointError(f"{trouble}; the steps before it failed too")
        if loss_before:
            self.rollback.load_loss(loss_before)
        words = f"{trouble}: undone; the fit continues at half the learning rates"
        self.observe(f"{self.name}/trouble", Note(words, "warning"))

    def _keep(self, step: int, loss: float, rgb: Tensor | None) -> None:
        """Accepts a good step, and saves the state when it is time."""
        good = self.rollback.accept(loss)
        if self.checkpoints and good and self.checkpoints.due():
            self.checkpoints.save(self.name, good)
        self.observe(f"{self.name}/loss", loss, step=step)
        if rgb is not None:
            self.observe(f"{self.name}/render", rgb, step=step)


def _annealed(progress: float) -> float:
    """The share of the learning rates: a cosine from 1 to 1/40 over 90 % of the steps, then constant."""
    return 0.5 * (1 + math.cos(math.pi * min(progress, 0.9)))


def _apply(change: Change | None, adam: GaussianAdam) -> bool:
    """Makes the change, if there is one, and returns whether there was one; ValueError when it is not possible."""
    if change is None:
        return False
    n = len(adam.gaussians())
    if tuple(change.keep.shape) != (n,) or change.keep.dtype != torch.bool:
        shape, kind = tuple(change.keep.shape), change.keep.dtype
        raise ValueError(f"Change.keep: got {kind} of shape {shape}; wanted a bool for each of {n} Gaussians")
    if not bool(change.keep.any()) and not (change.added and len(change.added)):
        raise ValueError(f"Change: keeps none of {n} Gaussians and adds none; wanted at least one to continue with")
    adam.change(change.keep, change.added)
    return True


def _replay(losses: Sequence[float], steps: int, observe: Observer, name: str) -> None:
    """Sends the losses of the steps before the checkpoint again, for an observer that has not seen them."""
    observe(f"{name}/checkpoint", Note(f"{name} continues from its checkpoint at step {len(losses)} of {steps}"))
    for step, value in enumerate(losses):
        if math.isfinite(value):
            observe(f"{name}/loss", value, step=step)


def view_order(weights: Sequence[float], steps: int, seed: int) -> list[int]:
    """`steps` indices in proportion to the weights (systematic sampling), shuffled by the seed."""
    share = torch.tensor(weights, dtype=torch.float64)
    edges = torch.cumsum(share, 0) / share.sum() * steps
    indices = torch.searchsorted(edges, torch.arange(steps, dtype=torch.float64) + 0.5)
    generator = torch.Generator().manual_seed(seed)
    return indices[torch.randperm(steps, generator=generator)].tolist()
