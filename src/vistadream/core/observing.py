"""The observer of the current run, for code that does not receive one as an argument: downloads, denoising steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


def silent(name: str, value: Any, step: int | None = None) -> None:
    """An Observer that ignores everything."""


_observer: ContextVar[Callable[..., None]] = ContextVar("observer", default=silent)


@contextmanager
def use_observer(observe: Callable[..., None]) -> Iterator[None]:
    """While the block runs, `tell` sends to this Observer."""
    token = _observer.set(observe)
    try:
        yield
    finally:
        _observer.reset(token)


def tell(name: str, value: Any, step: int | None = None) -> None:
    """Sends a value to the Observer of the current run, with the arguments of an Observer; outside a run, to nobody."""
    current_observer()(name, value, step)


def current_observer() -> Callable[..., None]:
    """The Observer of the current run. Pass it to other threads, in which `tell` reaches nobody."""
    return _observer.get()
