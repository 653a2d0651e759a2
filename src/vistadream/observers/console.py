"""The terminal: log lines, and a progress bar with the remaining time."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from vistadream.core import Note, RunStarted, StageFinished, StageStarted, Summary
from vistadream.core import Progress as Done
from vistadream.observers.logtap import LogTap

_log = logging.getLogger("vistadream.console")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
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
    """Sends every line to the logger `vistadream.console`, so that a log file has it too.

    While open, it prints the log lines of `vistadream` and Python's captured warnings. Progress bars appear on a
    terminal only. Use it as a context manager, or call `close`.
    """

    def __init__(self, console: Console):
        self._bars = Progress(
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
        stem = name.rpartition("/")[0]
        match value:
            case RunStarted():
                _log.info("  run folder: %s", value.folder)
            case StageStarted():
                _log.info("%s", value.stage, extra={"style": "bold cyan"})
            case StageFinished(resumed=True):
                _log.info("%s: taken from %s", value.stage, value.source, extra={"style": "cyan"})
            case StageFinished():
                count = f", {value.gaussians:,} Gaussians" if value.gaussians else ""
                _log.info("%s: done in %.1f s%s", value.stage, value.seconds, count, extra={"style": "cyan"})
            case Note():
                _log.log(_LEVELS[value.level], "  %s", value.text)
            case Summary():
                _log.info("  %s", value.text)
            case Done():
                self._advance(stem, value)
            case float() if name.endswith("/loss"):
                self._losses[stem] = value

    def _advance(self, stem: str, work: Done) -> None:
        """Updates the bar of `stem`, and removes it after the last step."""
        if stem not in self._tasks:
            self._tasks[stem] = self._bars.add_task(stem, total=work.total)
            self._bars.start()
        loss = f"  loss {self._losses[stem]:.4f}" if stem in self._losses else ""
        self._bars.update(self._tasks[stem], description=stem + loss, completed=work.done, total=work.total)
        if work.done >= work.total:
            self._bars.remove_task(self._tasks.pop(stem))
            if not self._tasks:
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
