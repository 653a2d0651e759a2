"""Gaussians as free parameters under Adam. The whole state is one flat dict, which can be saved and restored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.optim.adam import adam  # not the class Adam, which imports torch's compiler: 2 s of every run

from vistadream.core import Gaussians
from vistadream.core.knobs import check_ranges
from vistadream.ops.fit.packed_adam import PackedAdam
from vistadream.ops.numerics.deterministic_sum import total

_OPACITY_LIMITS = (0.005, 0.995)
_MOMENTS = ("exp_avg", "exp_avg_sq")
"""The names that torch gives to Adam's running means of the gradient and of its square."""
_descend = partial(adam, beta1=0.9, beta2=0.999, weight_decay=0.0, amsgrad=False, maximize=False, fused=True)
"""One step with torch's default constants; `fused` uses one kernel for each tensor, the fastest form."""


@dataclass(frozen=True)
class LearningRates:
    """Adam's step sizes, 0 to 1."""

    means: float
    """In units of each Gaussian's mean scale."""
    quats: float
    scales: float
    """For the logarithms of the scales."""
    opacities: float
    """For the logits of the opacities."""
    colors: float

    def __post_init__(self) -> None:
        check_ranges(self, **dict.fromkeys(vars(self), (0, 1)))


class GaussianAdam:
    """Free parameters: means in units of their scale, quaternions, log scales, logits of opacities, colors.

    A quaternion is as long as its Gaussian is elongated, so that a step turns a long one less: turned out of a surface
    that a camera sees at a grazing angle, it looks the same there, and leaves cracks for a camera that comes closer.
    """

    def __init__(self, gaussians: Gaussians, rates: LearningRates):
        self._rates = vars(rates)
        self.load(self._fresh(gaussians))

    def gaussians(self) -> Gaussians:
        """The Gaussians that the parameters describe, attached to the autograd graph."""
        p = self._adam.parameters
        return Gaussians(
            means=self._origin + self._unit * p["means"],
            quats_wxyz=p["quats"],
            scales=p["scales"].exp(),
            opacities=p["opacities"].sigmoid(),
            colors=p["colors"],
        )

    def fitted(self) -> Gaussians:
        """The Gaussians with unit quaternions, detached from the graph."""
        found = self.gaussians().detach()
        return replace(found, quats_wxyz=torch.nn.functional.normalize(found.quats_wxyz, dim=-1))

    def step(self, share: float) -> Float[Tensor, "c"]:
        """Makes one Adam step at that share of the learning rates, and clears the gradients.

        Returns numbers of the gradients, on their device, that are finite exactly if the gradients are. A step with
        gradients that are not finite is to be undone by `load`.
        """
        return self._adam.step(share)

    def change(self, keep: Bool[Tensor, "n"], added: Gaussians | None) -> None:
        """Removes the Gaussians that are not in `keep`, with their moments, and appends new ones with zero moments."""
        state = {name: t[keep] if t.dim() else t for name, t in self.state().items()}
        if added is not None:
            new = self._fresh(added)
            state = {name: torch.cat([t, new[name]]) if t.dim() else t for name, t in state.items()}
        self.load(state)

    def state(self) -> dict[str, Tensor]:
        """A copy of everything that later steps depend on. A tensor that is not a scalar has a row per Gaussian."""
        return {"origin": self._origin, "unit": self._unit, **self._adam.state()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continues from a state that `state` returned."""
        self._origin, self._unit = state["origin"], state["unit"]
        form = SeparateAdam if self._origin.device.type == "cpu" else PackedAdam
        self._adam = form(state, self._rates)

    def _fresh(self, gaussians: Gaussians) -> dict[str, Tensor]:
        """The initial state of these Gaussians."""
        parameters = {
            "means": torch.zeros_like(gaussians.means),
            "quats": _stiff(gaussians),
            "scales": gaussians.scales.clamp_min(1e-9).log(),
            "opacities": gaussians.opacities.clamp(*_OPACITY_LIMITS).logit(),
            "colors": gaussians.colors,
        }
        state = {"origin": gaussians.means, "unit": gaussians.scales.mean(dim=-1, keepdim=True), **parameters}
        for name, tensor in parameters.items():
            state |= {f"{name}.{moment}": torch.zeros_like(tensor) for moment in _MOMENTS}
            state[f"{name}.step"] = torch.zeros(())
            state[f"{name}.eps"] = torch.tensor(math.inf, dtype=torch.float64)
        return {name: tensor.detach() for name, tensor in state.items()}


def _stiff(gaussians: Gaussians) -> Float[Tensor, "n 4"]:
    """The rotations as quaternions whose length is the largest scale in units of the second largest one."""
    _, middle, largest = gaussians.scales.clamp_min(1e-9).sort(dim=-1).values.unbind(-1)
    return torch.nn.functional.normalize(gaussians.quats_wxyz, dim=-1) * (largest / middle)[:, None]


class SeparateAdam:
    """Each parameter by a kernel of its own, the fastest form on a CPU."""

    def __init__(self, state: Mapping[str, Tensor], rates: Mapping[str, float]):
        """`state` is as `GaussianAdam.state` returns it; `rates` are the learning rates by name."""
        self._rates = rates
        self.parameters = {name: state[name].clone().requires_grad_() for name in rates}
        self._eps = {name: float(state[f"{name}.eps"]) for name in rates}
        self._moments = {name: {key: state[f"{name}.{key}"].clone() for key in ("step", *_MOMENTS)} for name in rates}

    def step(self, share: float) -> Float[Tensor, "c"]:
        """One step; returns the typical gradients. With one that is not finite it changes no parameter."""
        gradients = {name: p.grad for name, p in self.parameters.items() if p.grad is not None}
        typical = {name: _typical(gradient) for name, gradient in gradients.items()}
        if all(map(math.isfinite, typical.values())):
            for name, gradient in gradients.items():
                self._eps[name] = _damped(self._eps[name], typical[name])
                self._update(name, gradient, self._rates[name] * share)
        for parameter in self.parameters.values():
            parameter.grad = None
        return torch.tensor([*typical.values()])

    def state(self) -> dict[str, Tensor]:
        """As `GaussianAdam.state`, for the parameters."""
        state = {}
        for name, parameter in self.parameters.items():
            state[name] = parameter.detach().clone()
            state[f"{name}.eps"] = torch.tensor(self._eps[name], dtype=torch.float64)
            state |= {f"{name}.{key}": value.clone() for key, value in self._moments[name].items()}
        return state

    @torch.no_grad()
    def _update(self, name: str, gradient: Tensor, rate: float) -> None:
        parameter, moments = self.parameters[name], self._moments[name]
        means, squares = (moments[key] for key in _MOMENTS)
        steps = [moments["step"]]
        _descend([parameter], [gradient], [means], [squares], [], steps, lr=rate, eps=self._eps[name])


def _typical(gradient: Tensor) -> float:
    """Root mean square of the entries that are not zero; not finite when one of them is not."""
    return float(total(gradient.square()) / (gradient != 0).sum().clamp_min(1)) ** 0.5


def _damped(eps: float, typical: float) -> float:
    """Adam's next eps, which keeps it from amplifying the very small gradients of hidden Gaussians.

    Without it such Gaussians would move at full speed. Gradients well below eps have little effect, and eps follows a
    tenth of the smallest typical gradient so far.
    """
    return min(eps, 0.1 * typical) if typical > 0 else eps
