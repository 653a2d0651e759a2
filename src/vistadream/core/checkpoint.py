"""Where a long fit saves its state, so that a killed run can continue from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Checkpoints(Protocol):
    """Keeps the newest state of one piece of work. Its name is the one that it reports under, such as `refine`."""

    def load(self, name: str) -> dict[str, Tensor] | None:
        """The state that was saved under that name, or None."""

    def due(self) -> bool:
        """Whether it is time to save again."""

    def save(self, name: str, state: Mapping[str, Tensor]) -> None:
        """Saves the state; it replaces the previous one."""


_checkpoints: ContextVar[Checkpoints | None] = ContextVar("checkpoints", default=None)


@contextmanager
def use_checkpoints(checkpoints: Checkpoints) -> Iterator[None]:
    """While the block runs, fits save their state to these checkpoints and resume from them."""
    token = _checkpoints.set(checkpoints)
    try:
        yield
    finally:
        _checkpoints.reset(token)


def current_checkpoints() -> Checkpoints | None:
    """The checkpoints of the `use_checkpoints` block that is running; None outside such a block."""
    return _checkpoints.get()
