"""Rollback of a fit to its last good state, which is also the content of a checkpoint; and which steps are bad."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.ops.fit.adam import GaussianAdam

EVERY = 20
"""Number of steps from one marked state to the next."""
PATIENCE = 3
"""This number of bad steps in a row ends the fit."""
_TIMES_WORSE, _LEAST = 4.0, 0.1
"""A loss above 4 times the largest early loss, which counts as at least 0.1, has diverged."""


@runtime_checkable
class Stateful(Protocol):
    """A loss that has a state, which a checkpoint must include."""

    def state(self) -> dict[str, Tensor]: ...
    def load_state(self, state: Mapping[str, Tensor]) -> None: ...


class Tried(NamedTuple):
    """What a step gave, on the device where it was computed."""

    loss: Float[Tensor, ""]
    gradients: Float[Tensor, "c"]
    """Numbers that are finite exactly if the gradients are."""


def read(tried: Sequence[Tried]) -> list[tuple[float, bool]]:
    """The loss of each step, and whether its gradients are finite; they are read together, so the CPU waits once."""
    numbers = torch.cat([torch.cat([step.loss.reshape(1), step.gradients]) for step in tried]).tolist()
    found = []
    for step in tried:
        n = 1 + len(step.gradients)
        (loss, *gradients), numbers = numbers[:n], numbers[n:]
        found.append((loss, all(map(math.isfinite, gradients))))
    return found


class Rollback:
    """Marks states before a step is tried; a marked state becomes the last good one when its step is accepted.

    All decisions depend only on the step and the losses, so that a resumed fit rolls back where an uninterrupted fit
    does.
    """

    def __init__(self, adam: GaussianAdam, loss: object, n_views: int):
        self.caution = 1.0
        """The share of the learning rates; every bad step halves it."""
        self.losses: list[float] = []
        """The loss of every step so far; NaN for a step that was undone."""
        self._adam, self._loss = adam, loss
        self._start = max(10, 2 * n_views)
        self._bad_in_a_row = 0
        self._good: dict[str, Tensor] = adam.state()
        self._marked: dict[str, Tensor] | None = None

    @property
    def done(self) -> int:
        """The number of steps that are decided."""
        return len(self.losses)

    def mark(self) -> None:
        """Copies the present state, before the next step tries it."""
        self._marked = self._adam.state() | self.state_of_loss()
        self._marked |= {"fit.losses": torch.tensor(self.losses, dtype=torch.float64)}
        self._marked |= {"fit.caution": torch.tensor(self.caution, dtype=torch.float64)}

    def state_of_loss(self) -> dict[str, Tensor]:
        """A copy of the state of the loss, if it has one."""
        state = self._loss.state() if isinstance(self._loss, Stateful) else {}
        return {f"loss.{name}": tensor.clone() for name, tensor in state.items()}

    def load_loss(self, state: Mapping[str, Tensor]) -> None:
        """Restores the state of the loss from one that contains `state_of_loss`."""
        if isinstance(self._loss, Stateful):
            self._loss.load_state({n.removeprefix("loss."): t for n, t in state.items() if n.startswith("loss.")})

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Continues from a state that `accept` returned."""
        self._good = dict(state)
        self._adam.load(state)
        self.losses = state["fit.losses"].tolist()
        self.caution = float(state["fit.caution"])
        self.load_loss(state)

    def fault(self, loss: float, finite_gradient: bool) -> str | None:
        """What is wrong with a step; None when nothing is."""
        if not math.isfinite(loss):
            return f"the loss became {loss}"
        start = [value for value in self.losses[: self._start] if math.isfinite(value)]
        if len(self.losses) >= self._start and loss > _TIMES_WORSE * max(*start, _LEAST):
            return f"the loss grew to {loss:.3g}, from at most {max(start):.3g} at the start"
        return None if finite_gradient else "a gradient is not finite"

    def accept(self, loss: float) -> dict[str, Tensor] | None:
        """Ends a good step; returns the state before the step if it was marked, else None."""
        self.losses.append(loss)
        self._bad_in_a_row = 0
        accepted, self._marked = self._marked, None
        if accepted is not None:
            self._good = accepted
        return accepted

    def restore(self) -> bool:
        """Ends a bad step: restores the last good state at half the rates; False after PATIENCE bad steps in a row."""
        self.losses.append(math.nan)
        self._adam.load(self._good)
        self.caution /= 2
        self._bad_in_a_row += 1
        self._marked = None
        return self._bad_in_a_row < PATIENCE
