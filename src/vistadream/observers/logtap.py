"""Log lines for observers and for a run's log file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SOURCES = ("vistadream", "py.warnings")
"""The loggers of this package, and Python's warnings, which a run sends to the log."""

_run: ContextVar[object] = ContextVar("run", default=None)


@contextmanager
def separate_lines() -> Iterator[None]:
    """Separates the log lines of this block: taps opened in it do not receive the lines of a nested block."""
    token = _run.set(object())
    try:
        yield
    finally:
        _run.reset(token)


class LogTap(logging.Handler):
    """Passes each record of SOURCES to `receive` until `detach` is called, without the records of other runs' blocks.

    A thread that a run has started does not belong to a block, so its records reach every tap.
    """

    def __init__(self, receive: Callable[[logging.LogRecord], object]):
        super().__init__()
        self._receive, self._block = receive, _run.get()
        for source in SOURCES:
            logging.getLogger(source).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if _run.get() not in (None, self._block):
            return
        try:
            self._receive(record)
        except Exception:
            self.handleError(record)

    def detach(self) -> None:
        """Stops passing records."""
        for source in SOURCES:
            logging.getLogger(source).removeHandler(self)
