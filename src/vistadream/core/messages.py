"""Typed messages that stages send to the observer in addition to nouns and tensors: progress, notes and summaries."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """The base class of all messages."""

    def to_json(self) -> dict[str, Any]:
        """The message as data for JSON: its fields, and its `kind`, such as "stage_started"."""
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
        return {"kind": kind, **asdict(self)}


@dataclass(frozen=True)
class RunStarted(Message):
    """A run began, or was resumed, in a folder."""

    folder: str


@dataclass(frozen=True)
class RunEnded(Message):
    """A run ended; `status` is finished, failed or interrupted, as in run.json."""

    status: str
    error: str | None = None


@dataclass(frozen=True)
class StageStarted(Message):
    """A stage began."""

    stage: str


@dataclass(frozen=True)
class StageFinished(Message):
    """A stage ended after `seconds` with `gaussians` in its Scene, or its result was loaded."""

    stage: str
    seconds: float
    resumed: bool = False
    gaussians: int = 0
    source: str = "disk"
    """Where the result of a resumed stage was loaded from."""


@dataclass(frozen=True)
class Progress(Message):
    """`done` of `total` equal steps of the work that the event is named after."""

    done: int
    total: int


@dataclass(frozen=True)
class Note(Message):
    """A line for the log; `level` is info, warning or error."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class Summary(Message):
    """What a stage did: one line for people, and the same as data for JSON, which is saved in the stage's folder."""

    text: str
    data: dict


@dataclass(frozen=True)
class Chart(Message):
    """A small plot of y over x with an optional horizontal band, such as the hole ratios of candidate views."""

    title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    band: tuple[float, float] | None = None
    chosen: int | None = None
    """Index of the highlighted point."""
