"""The runs of --multirun, one after another: a heading for each, and a table at the end."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from rich.text import Text

from vistadream.app import Job, run
from vistadream.core import UserError
from vistadream.observers.console import Terminal


@dataclass
class Row:
    """One run of the table."""

    words: str
    """What distinguishes it from the others."""
    job: Job
    status: str = "not run"
    seconds: float = 0.0

    def cells(self) -> tuple[str, str, str, str]:
        return self.words, self.status, f"{self.seconds:.0f}", str(self.job.folder.root if self.job.folder else "-")


def sweep(combinations: Sequence[list[str]]) -> None:
    """Runs each list of overrides. Bad input ends one run, not the others; UserError names those that failed."""
    earlier: list[Job] = []
    rows = [Row(words, Job(n, earlier)) for n, words in enumerate(distinct(combinations))]
    try:
        for n, (row, overrides) in enumerate(zip(rows, combinations, strict=True), 1):
            _say(f"run {n} of {len(rows)}: {row.words}")
            _run(row, overrides)
            earlier.append(row.job)
    finally:
        _say("\n".join(table([("overrides", "status", "seconds", "folder"), *(row.cells() for row in rows)])))
    if failed := [row.words for row in rows if row.status == "failed"]:
        raise UserError(f"{len(failed)} of {len(rows)} runs failed, for the reasons above: {'; '.join(failed)}")


def _run(row: Row, overrides: list[str]) -> None:
    began = time.monotonic()
    row.status = "interrupted"
    try:
        run(overrides, row.job)
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
