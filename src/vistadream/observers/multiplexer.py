"""One observer made of several, none of which can stop the run."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from vistadream.core import Observer

_log = logging.getLogger("vistadream.observers")


class Multiplexer:
    """Hands every event to each observer in turn; a costly value is made once, and only if somebody asks.

    An observer that raises on an event is named in one warning and hears no more of that event; the run goes on.
    KeyboardInterrupt and SystemExit pass through: they are orders, not failures.
    """

    def __init__(self, *observers: Observer):
        self._observers = observers
        self._muted: set[tuple[int, str]] = set()

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        shared = cache(value) if callable(value) else value
        for number, observer in enumerate(self._observers):
            if (number, name) not in self._muted:
                self._tell(number, observer, name, shared, step)

    def _tell(self, number: int, observer: Observer, name: str, value: Any, step: int | None) -> None:
        try:
            observer(name, value, step)
        except Exception as error:
            self._muted.add((number, name))
            who = type(observer).__name__
            _log.warning("%s cannot show %s, which it now leaves out: %s: %s", who, name, type(error).__name__, error)
