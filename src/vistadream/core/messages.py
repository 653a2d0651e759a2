"""Typed messages that leave through `observe` beside the nouns: what a human wants to know while waiting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageStarted:
    """A stage began."""

    stage: str


@dataclass(frozen=True)
class StageFinished:
    """A stage ended after `seconds` with `gaussians` in its Scene, or was taken from disk."""

    stage: str
    seconds: float
    resumed: bool = False
    gaussians: int = 0
    source: str = "disk"
    """Where a resumed stage was taken from."""


@dataclass(frozen=True)
class Progress:
    """`done` of `total` equal steps of the work that the event's name speaks of."""

    done: int
    total: int


@dataclass(frozen=True)
class Note:
    """A line for the log; `level` is info, warning or error."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class Summary:
    """What a stage did: a line for people, and the same as JSON-able data, kept beside the stage's files."""

    text: str
    data: dict


@dataclass(frozen=True)
class Chart:
    """A small plot of y over x with an optional horizontal band; for the selection's hole ratios."""

    title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    band: tuple[float, float] | None = None
    chosen: int | None = None
    """Index of the highlighted point."""
