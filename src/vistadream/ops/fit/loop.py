"""The optimization loop of all stages: Gaussians x Views x Renderer -> Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from vistadream.core import Gaussians, Note, Observer, Progress, Renderer, Rendering, View, current_checkpoints
from vistadream.ops.fit.adam import GaussianAdam, LearningRates
from vistadream.ops.fit.rollback import EVERY, Rollback

Loss = Callable[[View, Rendering, int], Tensor]
"""The loss of a rendered View at a step, a scalar of order 1 when nothing fits. It may be `rollback.Stateful`."""
Want = Callable[[int], Sequence[str]]
"""Names the maps that the loss reads at a step."""


@dataclass(frozen=True, eq=False)
class Change:
    """Which Gaussians stay, in their order, and which new ones are appended."""

    keep: Bool[Tensor, "n"]
    added: Gaussians | None = None


Adapt = Callable[[int, Gaussians], Change | None]
"""Called after every step with the number of completed steps and the present Gaussians; None changes nothing.

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
    """
    if not len(gaussians) or not order:
        return gaussians
    checkpoints = current_checkpoints()
    adam = GaussianAdam(gaussians, rates)
    rollback = Rollback(adam, loss, len(views))
    if checkpoints and (saved := checkpoints.load(name)):
        rollback.resume({key: tensor.to(gaussians.means.device) for key, tensor in saved.items()})
        _replay(rollback.losses, len(order), observe, name)
    changed = True
    for step in range(len(rollback.losses), len(order)):
        if changed or step % EVERY == 0:
            rollback.mark()
        # Render one View, and step along the gradient of its loss.
        view = views[order[step]]
        rendering = renderer(adam.gaussians(), [view.camera], want=want(step))[0]
        cost = loss(view, rendering, step)
        value = float(cost.detach())
        fault = rollback.fault(value)
        if fault is None:
            cost.backward()
            fault = None if adam.step(rollback.caution * _annealed(step / len(order))) else "a gradient is not finite"
        # Keep the step and save the state when it is time, or go back to the last good state.
        if fault is None:
            good = rollback.accept(value)
            if checkpoints and good and checkpoints.due():
                checkpoints.save(name, good)
            observe(f"{name}/loss", value, step=step)
            if rendering.rgb is not None:
                observe(f"{name}/render", rendering.rgb.detach(), step=step)
        else:
            _restore(rollback, f"{name}: {fault} at step {step} on view {view.name!r}", observe, name)
        changed = adapt is not None and _apply(adapt(step + 1, adam.gaussians().detach()), adam)
        observe(f"{name}/progress", Progress(step + 1, len(order)))
    fitted = adam.gaussians().detach()
    return replace(fitted, colors=fitted.colors.clamp(0, 1)) if fitted.colors.dim() == 2 else fitted


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


def _restore(rollback: Rollback, trouble: str, observe: Observer, name: str) -> None:
    if not rollback.restore():
        raise FloatingPointError(f"{trouble}; the steps before it failed too")
    observe(f"{name}/trouble", Note(f"{trouble}: undone; the fit continues at half the learning rates", "warning"))


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
