"""The runs of --multirun, one after another: a heading for each, and a table at the end."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from vistadream.app import run
from vistadream.core import RunStarted, UserError
from vistadream.observers.console import Terminal
from vistadream.runs.folder import RunFolder


@dataclass
class Row:
    """One run of the table."""

    words: str
    """What distinguishes it from the others."""
    status: str = "not run"
    seconds: float = 0.0
    folder: Path | None = None
    """The run's folder; one that is gone again was of a run with bad input."""

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        """An Observer that hears where the run works."""
        if isinstance(value, RunStarted):
            self.folder = Path(value.folder)

    def cells(self) -> tuple[str, str, str, str]:
        folder = self.folder if self.folder and self.folder.exists() else "-"
        return self.words, self.status, f"{self.seconds:.0f}", str(folder)


def sweep(combinations: Sequence[list[str]], job: str = "single_img") -> None:
    """Runs each list of overrides. Bad input ends one run, not the others; UserError names those that failed."""
    earlier: list[RunFolder] = []
    rows = [Row(words) for words in distinct(combinations)]
    try:
        for n, (row, overrides) in enumerate(zip(rows, combinations, strict=True), 1):
            _say(f"run {n} of {len(rows)}: {row.words}")
            _run(row, overrides, f"-{n - 1}", earlier, job)
            earlier += [RunFolder(row.folder)] if row.folder else []
    finally:
        _say("\n".join(table([("overrides", "status", "seconds", "folder"), *(row.cells() for row in rows)])))
    if failed := [row.words for row in rows if row.status == "failed"]:
        raise UserError(f"{len(failed)} of {len(rows)} runs failed, for the reasons above: {'; '.join(failed)}")


def _run(row: Row, overrides: list[str], suffix: str, earlier: Sequence[RunFolder], job: str) -> None:
    began = time.monotonic()
    row.status = "interrupted"
    try:
        run(overrides, job, observers=[row], suffix=suffix, earlier=earlier)
        row.status = "finished"
    except UserError as error:
        row.status = "failed"
        sys.stderr.write(f"vistadream: {error}\n")
    finally:
        row.seconds = time.monotonic() - began


def distinct(combinations: Sequence[list[str]]) -> list[str]:
    """Of each list of overrides those that are not the same in all."""
    columns = list(zip(*combinations, strict=True))
    varied = [column for column in columns if len(set(column)) > 1] or columns
    return [shlex.join(words) for words in zip(*varied, strict=True)]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _say(text: str) -> None:
    with suppress(OSError):  # the disk behind standard output is full
        Terminal().print(Text(text), soft_wrap=True)
