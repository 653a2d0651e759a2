"""The way back of a fit: its last good state, which is also what a checkpoint holds, and what it calls a bad step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from vistadream.ops.fit.adam import GaussianAdam

EVERY = 20
"""Steps from one mark to the next."""
PATIENCE = 3
"""So many bad steps in a row end the fit."""
_TIMES_WORSE, _LEAST = 4.0, 0.1
"""A loss diverges above so many times the worst at the start, which counts as at least this."""


@runtime_checkable
class Stateful(Protocol):
    """A loss that remembers something from step to step."""

    def state(self) -> dict[str, Tensor]: ...
    def load_state(self, state: Mapping[str, Tensor]) -> None: ...


class Rollback:
    """Marks states before a step is tried; a mark counts once that step went well.

    What happens depends on the step and the losses alone, so that a resumed fit turns back where an unbroken one does.
    """

    def __init__(self, adam: GaussianAdam, loss: object, n_views: int):
        self.caution = 1.0
        """Share of the learning rates; halved by every bad step."""
        self.losses: list[float] = []
        """Of every step so far, not a number where the step was taken back."""
        self._adam, self._loss = adam, loss
        self._start = max(10, 2 * n_views)
        self._bad_in_a_row = 0
        self._good: dict[str, Tensor] = adam.state()
        self._marked: dict[str, Tensor] | None = None

    def mark(self) -> None:
        """Remembers the present state, about to be tried."""
        self._marked = self._adam.state()
        self._marked |= {"fit.losses": torch.tensor(self.losses, dtype=torch.float64)}
        self._marked |= {"fit.caution": torch.tensor(self.caution, dtype=torch.float64)}
        if isinstance(self._loss, Stateful):
            self._marked |= {f"loss.{name}": tensor.clone() for name, tensor in self._loss.state().items()}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from a state that `went_well` gave."""
        self._good = dict(state)
        self._adam.load(state)
        self.losses = state["fit.losses"].tolist()
        self.caution = float(state["fit.caution"])
        if isinstance(self._loss, Stateful):
            self._loss.load_state({n.removeprefix("loss."): t for n, t in state.items() if n.startswith("loss.")})

    def fault(self, loss: float) -> str | None:
        """What is wrong with the loss of a step, if anything."""
        if not math.isfinite(loss):
            return f"the loss became {loss}"
        start = [value for value in self.losses[: self._start] if math.isfinite(value)]
        if len(self.losses) >= self._start and loss > _TIMES_WORSE * max(*start, _LEAST):
            return f"the loss grew to {loss:.3g}, from at most {max(start):.3g} at the start"
        return None

    def went_well(self, loss: float) -> dict[str, Tensor] | None:
        """Ends a good step; returns the state from before it, where that was marked."""
        self.losses.append(loss)
        self._bad_in_a_row = 0
        passed, self._marked = self._marked, None
        if passed is not None:
            self._good = passed
        return passed

    def turn_back(self) -> bool:
        """Ends a bad step: back to the last good state, at half the rates; False when patience is at its end."""
        self.losses.append(math.nan)
        self._adam.load(self._good)
        self.caution /= 2
        self._bad_in_a_row += 1
        self._marked = None
        return self._bad_in_a_row < PATIENCE
