"""Typed messages that stages send to the observer in addition to nouns and tensors: progress, notes and summaries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageStarted:
    """A stage began."""

    stage: str


@dataclass(frozen=True)
class StageFinished:
    """A stage ended after `seconds` with `gaussians` in its Scene, or its result was loaded."""

    stage: str
    seconds: float
    resumed: bool = False
    gaussians: int = 0
    source: str = "disk"
    """Where the result of a resumed stage was loaded from."""


@dataclass(frozen=True)
class Progress:
    """`done` of `total` equal steps of the work that the event is named after."""

    done: int
    total: int


@dataclass(frozen=True)
class Note:
    """A line for the log; `level` is info, warning or error."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class Summary:
    """What a stage did: one line for people, and the same as data for JSON, which is saved in the stage's folder."""

    text: str
    data: dict


@dataclass(frozen=True)
class Chart:
    """A small plot of y over x with an optional horizontal band, such as the hole ratios of candidate views."""

    title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    band: tuple[float, float] | None = None
    chosen: int | None = None
    """Index of the highlighted point."""
