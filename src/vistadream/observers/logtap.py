"""Log lines for observers."""

from __future__ import annotations

import logging
from collections.abc import Callable

SOURCES = ("vistadream", "py.warnings")
"""Our loggers, and Python's warnings once `logging.captureWarnings(True)` was called."""


class LogTap(logging.Handler):
    """Hands each record of SOURCES to `tell`, until detached."""

    def __init__(self, tell: Callable[[logging.LogRecord], object]):
        super().__init__()
        self._tell = tell
        for source in SOURCES:
            logging.getLogger(source).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._tell(record)
        except Exception:
            self.handleError(record)

    def detach(self) -> None:
        """Hears no more."""
        for source in SOURCES:
            logging.getLogger(source).removeHandler(self)
