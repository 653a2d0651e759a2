"""One observer that forwards to several; a failure of an observer does not stop the run."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from vistadream.core import Observer

_log = logging.getLogger("vistadream.observers")


class Multiplexer:
    """Sends every event to each observer in turn. A callable value is called at most once, when an observer needs it.

    If an observer raises, one warning names it, it gets no more events of that name, and the run continues.
    KeyboardInterrupt and SystemExit are not caught, because they are requests rather than failures.
    """

    def __init__(self, *observers: Observer):
        self._observers = observers
        self._muted: set[tuple[int, str]] = set()

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        shared = cache(value) if callable(value) else value
        for number, observer in enumerate(self._observers):
            if (number, name) not in self._muted:
                self._send(number, observer, name, shared, step)

    def _send(self, number: int, observer: Observer, name: str, value: Any, step: int | None) -> None:
        try:
            observer(name, value, step)
        except Exception as error:
            self._muted.add((number, name))
            who = type(observer).__name__
            _log.warning("%s cannot show %s and now ignores it: %s: %s", who, name, type(error).__name__, error)
