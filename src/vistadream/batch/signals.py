"""Ctrl-C and SIGTERM while an engine runs: items under way end or are interrupted, and the way on is said."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from vistadream.batch.batch import Batch


@contextmanager
def heeding_signals(batch: Batch, words: Sequence[str]) -> Iterator[None]:
    """The first Ctrl-C lets items under way end; the second one, or SIGTERM, interrupts them.

    Where the batch is not over then, the block ends as the signal would have ended it.
    """
    asked: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if number == signal.SIGINT and len(asked) == 1:
            batch.drain()
        else:
            batch.stop()

    before: dict[int, Any] = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
    if asked and not batch.is_over():
        _end_by(asked[-1], before[asked[-1]], words)


def _end_by(number: int, handler: Any, words: Sequence[str]) -> None:
    """Ends as the signal would have ended the command, with the command that goes on."""
    try:
        handler(number, None)
    except BaseException as error:
        error.add_note(f"go on with: vistadream batch {shlex.join(words)}")
        raise
