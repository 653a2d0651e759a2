"""The console as an observer of `observers=[...]`; the commands that need no torch import console.py alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vistadream.core import ObservedRun, Observer
from vistadream.observers.console import ConsoleObserver, Terminal
from vistadream.observers.log_lines import log


@dataclass(frozen=True)
class ConsoleKnobs:
    """The console has no knobs: without it on the list `observers=[...]` a run prints nothing."""

    @contextmanager
    def open(self, run: ObservedRun) -> Iterator[Observer]:
        with ConsoleObserver(Terminal()) as observer:
            log.info("  run folder: %s", run.folder)  # first: the viewer may have more to say as it opens
            yield observer
