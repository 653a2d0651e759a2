"""The observer of the run that is going on, for code too deep to be handed one: downloads, denoising steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


def silent(name: str, value: Any, step: int | None = None) -> None:
    """An Observer that looks away."""


_observer: ContextVar[Callable[..., None]] = ContextVar("observer", default=silent)


@contextmanager
def watched_by(observe: Callable[..., None]) -> Iterator[None]:
    """While the block runs, `tell` reaches this Observer."""
    token = _observer.set(observe)
    try:
        yield
    finally:
        _observer.reset(token)


def tell(name: str, value: Any, step: int | None = None) -> None:
    """Says something to the Observer of the run; to nobody outside of one. Arguments are those of an Observer."""
    current_observer()(name, value, step)


def current_observer() -> Callable[..., None]:
    """The Observer of the run, to be carried into another thread, where `tell` reaches nobody."""
    return _observer.get()
