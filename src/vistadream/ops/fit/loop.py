"""The one optimization loop: Gaussians x Views x Renderer -> Gaussians."""

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
"""What a rendered View costs at a step, a scalar of order 1 where nothing fits. It may be `ops.rollback.Stateful`."""
Want = Callable[[int], Sequence[str]]
"""The maps that the loss reads at a step."""


@dataclass(frozen=True, eq=False)
class Change:
    """Which Gaussians stay, in their order, and which are new behind them."""

    keep: Bool[Tensor, "n"]
    added: Gaussians | None = None


Adapt = Callable[[int, Gaussians], Change | None]
"""Asked after every step with the number of steps done and the Gaussians as they are. A pure function of both, so that
a resumed fit asks the same; None changes nothing."""


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
    """Adam over all Gaussians together, one View a step in the given `order` (indices of views, one for each step).

    RGB colors come back within [0, 1], spherical harmonics as they are.
    Every step tells its loss and shows its rendering. A step whose loss or gradient is not finite, or whose loss
    diverges, is taken back with a warning, and the fit goes on more carefully; FloatingPointError after three in a row.
    Inside of `use_checkpoints` the fit saves its state, and one that was killed goes on to the same bits.
    """
    if not len(gaussians) or not order:
        return gaussians
    checkpoints = current_checkpoints()
    adam = GaussianAdam(gaussians, rates)
    rollback = Rollback(adam, loss, len(views))
    if checkpoints and (saved := checkpoints.load(name)):
        rollback.resume({key: tensor.to(gaussians.means.device) for key, tensor in saved.items()})
        _tell_again(rollback.losses, len(order), observe, name)
    changed = True
    for step in range(len(rollback.losses), len(order)):
        if changed or step % EVERY == 0:
            rollback.mark()
        view = views[order[step]]
        rendering = renderer(adam.gaussians(), [view.camera], want=want(step))[0]
        cost = loss(view, rendering, step)
        value = float(cost.detach())
        fault = rollback.fault(value)
        if fault is None:
            cost.backward()
            fault = None if adam.step(rollback.caution * _annealed(step / len(order))) else "a gradient is not finite"
        if fault is None:
            good = rollback.went_well(value)
            if checkpoints and good and checkpoints.due():
                checkpoints.save(name, good)
            observe(f"{name}/loss", value, step=step)
            if rendering.rgb is not None:
                observe(f"{name}/render", rendering.rgb.detach(), step=step)
        else:
            _turn_back(rollback, f"{name}: {fault} at step {step} on view {view.name!r}", observe, name)
        changed = adapt is not None and _adapted(adam, adapt(step + 1, adam.gaussians().detach()))
        observe(f"{name}/progress", Progress(step + 1, len(order)))
    fitted = adam.gaussians().detach()
    return replace(fitted, colors=fitted.colors.clamp(0, 1)) if fitted.colors.dim() == 2 else fitted


def _annealed(progress: float) -> float:
    """Share of the learning rates: down a cosine to a fortieth at nine tenths of the steps, and even from there."""
    return 0.5 * (1 + math.cos(math.pi * min(progress, 0.9)))


def _adapted(adam: GaussianAdam, change: Change | None) -> bool:
    """Whether there was a change, which is then made."""
    if change is None:
        return False
    n = len(adam.gaussians())
    if tuple(change.keep.shape) != (n,) or change.keep.dtype != torch.bool:
        shape, kind = tuple(change.keep.shape), change.keep.dtype
        raise ValueError(f"Change.keep: got {kind} of shape {shape}; wanted a bool for each of {n} Gaussians")
    if not bool(change.keep.any()) and not (change.added and len(change.added)):
        raise ValueError(f"Change: keeps none of {n} Gaussians and adds none; wanted at least one to go on with")
    adam.change(change.keep, change.added)
    return True


def _turn_back(rollback: Rollback, trouble: str, observe: Observer, name: str) -> None:
    if not rollback.turn_back():
        raise FloatingPointError(f"{trouble}; nor did the steps before it go well")
    observe(f"{name}/trouble", Note(f"{trouble}: taken back, and going on with half the learning rates", "warning"))


def _tell_again(losses: Sequence[float], steps: int, observe: Observer, name: str) -> None:
    """What the observer would have seen of the steps that a checkpoint spares."""
    observe(f"{name}/checkpoint", Note(f"{name} goes on from its checkpoint, at step {len(losses)} of {steps}"))
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
