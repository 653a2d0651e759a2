"""Log lines for observers and for a run's log file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SOURCES = ("vistadream", "py.warnings")
"""Our loggers, and Python's warnings, which a run sends to the log."""

_run: ContextVar[object] = ContextVar("run", default=None)


@contextmanager
def own_lines() -> Iterator[None]:
    """Taps that are opened in the block receive no line of a block that was opened within it, as by a run in a run."""
    token = _run.set(object())
    try:
        yield
    finally:
        _run.reset(token)


class LogTap(logging.Handler):
    """Passes each record of SOURCES to `receive` until it is detached; records of another run's block are left out.

    A thread that a run has started belongs to no block, so that its records reach every tap.
    """

    def __init__(self, receive: Callable[[logging.LogRecord], object]):
        super().__init__()
        self._receive, self._own = receive, _run.get()
        for source in SOURCES:
            logging.getLogger(source).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if _run.get() not in (None, self._own):
            return
        try:
            self._receive(record)
        except Exception:
            self.handleError(record)

    def detach(self) -> None:
        """Receives no more records."""
        for source in SOURCES:
            logging.getLogger(source).removeHandler(self)
