"""Where a long fit leaves its state, so that a killed run goes on from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Checkpoints(Protocol):
    """Keeps the newest state of one piece of work. Names are those that the work observes under, such as `refine`."""

    def load(self, name: str) -> dict[str, Tensor] | None:
        """What was saved under that name, or None."""

    def due(self) -> bool:
        """Whether it is time to save again."""

    def save(self, name: str, state: Mapping[str, Tensor]) -> None:
        """Keeps the state in place of the one before."""


_checkpoints: ContextVar[Checkpoints | None] = ContextVar("checkpoints", default=None)


@contextmanager
def checkpointed_by(checkpoints: Checkpoints) -> Iterator[None]:
    """While the block runs, fits save to and resume from these."""
    token = _checkpoints.set(checkpoints)
    try:
        yield
    finally:
        _checkpoints.reset(token)


def current_checkpoints() -> Checkpoints | None:
    """Those of the block that is running; None outside of one."""
    return _checkpoints.get()
