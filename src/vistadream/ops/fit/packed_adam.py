"""Adam for Gaussians on a GPU, where each operation costs about the same: few operations, and no value that is read."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

_MEAN, _SQUARE = 0.1, 0.001
"""The weights of a new gradient in the running means of gradients and of squares: torch's default constants."""


class PackedAdam:
    """All parameters in one matrix, a row for each Gaussian, so that an operation is one launch for all of them.

    The numbers are those of the separate form for the CPU, up to rounding.
    """

    def __init__(self, state: Mapping[str, Tensor], rates: Mapping[str, float]):
        """`state` is as `GaussianAdam.state` returns it; `rates` are the learning rates by name."""
        self._shapes = {name: state[name].shape[1:] for name in rates}
        self._widths = [shape.numel() for shape in self._shapes.values()]
        self._values, self._mean, self._square = (self._packed(state, end) for end in ("", ".exp_avg", ".exp_avg_sq"))
        self.parameters = {name: part.requires_grad_() for name, part in self._parts(self._values)}
        self._step = int(max(float(state[f"{name}.step"]) for name in rates))
        like = self._values
        self._rates = self._spread(torch.tensor([*rates.values()], dtype=like.dtype)).to(like.device)
        self._eps2 = self._spread(torch.stack([state[f"{name}.eps"].to(like) for name in rates])) ** 2
        group = self._spread(torch.arange(len(rates), dtype=like.dtype))
        self._same_group = (group[:, None] == group).to(like)
        self._hundredth = 0.01 * self._same_group

    @torch.no_grad()
    def step(self, share: float) -> Float[Tensor, "c"]:
        """One step; returns sums of squares that are finite exactly if the gradients are, and changes no value to NaN.

        A gradient that is not finite counts as 0: the caller reads the sums later, and then goes back.
        """
        gradient = torch.cat([self._gradient(p).reshape(len(p), -1) for p in self.parameters.values()], 1)
        squares = gradient.square()
        sums = squares.sum(0)
        # A hundredth of the typical square of each parameter: the mean of those that are not 0; NaN without any.
        typical = self._hundredth @ sums / (self._same_group @ (squares != 0).sum(0, dtype=sums.dtype))
        self._eps2 = torch.fmin(self._eps2, typical)
        gradient = gradient.nan_to_num_(0.0, 0.0, 0.0)
        self._step += 1
        self._mean.lerp_(gradient, _MEAN)
        self._square.mul_(1 - _SQUARE).addcmul_(gradient, gradient, value=_SQUARE)
        unbiased = 1 - (1 - _MEAN) ** self._step, 1 - (1 - _SQUARE) ** self._step
        width = torch.add(self._eps2.sqrt(), self._square.sqrt(), alpha=unbiased[1] ** -0.5)
        self._values.addcdiv_(self._mean * self._rates, width, value=-share / unbiased[0])
        for parameter in self.parameters.values():
            parameter.grad = None
        return sums

    def state(self) -> dict[str, Tensor]:
        """As `GaussianAdam.state`, for the parameters."""
        state: dict[str, Tensor] = {}
        for end, packed in (("", self._values), (".exp_avg", self._mean), (".exp_avg_sq", self._square)):
            state |= {f"{name}{end}": part.clone() for name, part in self._parts(packed)}
        for name, eps2 in zip(self._shapes, self._eps2.split(self._widths), strict=True):
            state |= {f"{name}.step": torch.tensor(float(self._step)), f"{name}.eps": eps2[0].sqrt()}
        return state

    def _packed(self, state: Mapping[str, Tensor], end: str) -> Float[Tensor, "n c"]:
        return torch.cat([state[f"{name}{end}"].reshape(len(state[name]), -1) for name in self._shapes], 1)

    def _parts(self, packed: Float[Tensor, "n c"]) -> list[tuple[str, Tensor]]:
        """The columns of each parameter, in its own shape."""
        columns = packed.detach().split(self._widths, 1)
        return [
            (name, part.view(-1, *shape)) for (name, shape), part in zip(self._shapes.items(), columns, strict=True)
        ]

    def _spread(self, by_name: Float[Tensor, "g"]) -> Float[Tensor, "c"]:
        """A number for each column from one for each parameter."""
        return torch.cat([number.expand(width) for number, width in zip(by_name, self._widths, strict=True)])

    @staticmethod
    def _gradient(parameter: Tensor) -> Tensor:
        return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
