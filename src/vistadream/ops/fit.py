"""The one optimisation loop: Gaussians x Views x Renderer -> Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vistadream.core import Gaussians, Observer, Progress, Renderer, Rendering, View

Loss = Callable[[View, Rendering, int], Tensor]
"""What a rendered View costs at a step, a scalar; a pure function of all three, so that a resumed fit costs the same."""
Want = Callable[[int], Sequence[str]]
"""The maps that the loss reads at a step."""

_OPACITY_LIMITS = (0.005, 0.995)


@dataclass(frozen=True)
class LearningRates:
    """Adam's step sizes; they fall to a tenth along a cosine."""

    means: float
    """In units of each Gaussian's own mean scale."""
    quats: float
    scales: float
    """Of log scales."""
    opacities: float
    """Of logits."""
    colors: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value >= 0:
                raise ValueError(f"LearningRates.{name}: got {value}; wanted 0 or more")


class _Parameters:
    """Gaussians as free parameters: means in units of their scale, logs, logits."""

    def __init__(self, gaussians: Gaussians):
        self.origin = gaussians.means
        self.unit = gaussians.scales.mean(dim=-1, keepdim=True)
        low, high = _OPACITY_LIMITS
        self.means = torch.zeros_like(gaussians.means).requires_grad_()
        self.quats = torch.nn.functional.normalize(gaussians.quats_wxyz, dim=-1).requires_grad_()
        self.scales = gaussians.scales.clamp_min(1e-9).log().requires_grad_()
        self.opacities = gaussians.opacities.clamp(low, high).logit().requires_grad_()
        self.colors = gaussians.colors.clone().requires_grad_()

    def gaussians(self) -> Gaussians:
        return Gaussians(
            means=self.origin + self.unit * self.means,
            quats_wxyz=self.quats,
            scales=self.scales.exp(),
            opacities=self.opacities.sigmoid(),
            colors=self.colors,
        )

    def optimizer(self, rates: LearningRates) -> torch.optim.Optimizer:
        groups = [{"params": [getattr(self, name)], "lr": rate} for name, rate in vars(rates).items()]
        return torch.optim.Adam(groups, fused=True, eps=math.inf)


def _damp_hidden(optimizer: torch.optim.Optimizer) -> None:
    """Keeps Adam from blowing up the faint gradients of hidden Gaussians: they would drift at full speed, unseen.

    Its eps, below which a gradient counts less, follows a tenth of the smallest typical gradient met so far.
    """
    for group in optimizer.param_groups:
        gradient = group["params"][0].grad
        if gradient is None:
            continue
        seen = gradient != 0
        typical = float(gradient.square().sum() / seen.sum().clamp_min(1)) ** 0.5
        if typical > 0:
            group["eps"] = min(group["eps"], 0.1 * typical)


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
) -> Gaussians:
    """Adam over all Gaussians together, one View a step in the given `order` (indices of views, one for each step).

    RGB colours come back within [0, 1], spherical harmonics as they are.
    Every step tells its loss and shows its rendering.
    Raises FloatingPointError when the loss is no longer finite.
    """
    if not len(gaussians) or not order:
        return gaussians
    parameters = _Parameters(gaussians)
    optimizer = parameters.optimizer(rates)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(order))
    for step, index in enumerate(order):
        view = views[index]
        rendering = renderer(parameters.gaussians(), [view.camera], want=want(step))[0]
        cost = loss(view, rendering, step)
        if not bool(torch.isfinite(cost)):
            value = float(cost.detach())
            raise FloatingPointError(f"{name}: the loss became {value} at step {step} on view {view.name!r}")
        optimizer.zero_grad()
        cost.backward()
        _damp_hidden(optimizer)
        optimizer.step()
        if step < len(order) * 0.9:
            schedule.step()
        observe(f"{name}/loss", float(cost.detach()), step=step)
        if rendering.rgb is not None:
            observe(f"{name}/render", rendering.rgb.detach(), step=step)
        observe(f"{name}/progress", Progress(step + 1, len(order)))
    fitted = parameters.gaussians().detach()
    return replace(fitted, colors=fitted.colors.clamp(0, 1)) if fitted.colors.dim() == 2 else fitted


def view_order(weights: Sequence[float], steps: int, seed: int) -> list[int]:
    """`steps` indices in proportion to the weights (systematic sampling), shuffled by the seed."""
    share = torch.tensor(weights, dtype=torch.float64)
    edges = torch.cumsum(share, 0) / share.sum() * steps
    indices = torch.searchsorted(edges, torch.arange(steps, dtype=torch.float64) + 0.5)
    generator = torch.Generator().manual_seed(seed)
    return indices[torch.randperm(steps, generator=generator)].tolist()
