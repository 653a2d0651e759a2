"""The terminal: log lines, and a progress bar with the remaining time."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from vistadream.core import Progress, StageFinished
from vistadream.observers.logtap import LogTap

_STYLES = {logging.WARNING: "yellow", logging.ERROR: "bold red"}


class Terminal(Console):
    """A console that stops printing when its reader has gone, as in `vistadream single-img | head -1`.

    Rich would end the process there. The lines are in the log of the run in any case.
    """

    def on_broken_pipe(self) -> None:
        self.quiet = True
        with suppress(OSError, ValueError):  # else the rest of Python's buffer would fail again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class ConsoleObserver:
    """Prints the log lines of `vistadream` and Python's captured warnings while it is open; `log_lines` makes them.

    Progress bars appear on a terminal only. Use it as a context manager, or call `close`.
    """

    def __init__(self, console: Console):
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            refresh_per_second=4,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, Any] = {}
        self._losses: dict[str, float] = {}
        self._console = console
        self._tap = LogTap(self._print)

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        if isinstance(value, Progress):
            self._advance(name.removesuffix("/progress"), value)
        elif isinstance(value, StageFinished):
            self._remove(*self._tasks)
        elif isinstance(value, float) and name.endswith("/loss"):
            self._losses[name.removesuffix("/loss")] = value

    def _advance(self, stem: str, work: Progress) -> None:
        """Updates the bar of `stem`, and removes it after the last step, and those of the work that it is a part of."""
        self._remove(*(other for other in self._tasks if stem.startswith(f"{other}/")))
        if stem not in self._tasks:
            self._tasks[stem] = self._bars.add_task(stem, total=work.total)
            self._bars.start()
        loss = f"  loss {self._losses[stem]:.4f}" if stem in self._losses else ""
        self._bars.update(self._tasks[stem], description=stem + loss, completed=work.done, total=work.total)
        if work.done >= work.total:
            self._remove(stem)

    def _remove(self, *stems: str) -> None:
        """Removes bars, also of work that ended before its last step."""
        for stem in stems:
            self._bars.remove_task(self._tasks.pop(stem))
        if stems and not self._tasks:
            self._bars.stop()

    def _print(self, record: logging.LogRecord) -> None:
        style = getattr(record, "style", _STYLES.get(record.levelno, ""))
        try:
            self._console.print(Text(record.getMessage(), style), soft_wrap=True)  # long lines stay copyable
        except OSError:  # the output is a file on a full disk
            self._console.quiet = True

    def close(self) -> None:
        """Removes the bars and stops printing."""
        self._bars.stop()
        self._tap.detach()

    def __enter__(self) -> ConsoleObserver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
