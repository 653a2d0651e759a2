"""How far the run of a job is, from the end of its events.jsonl."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vistadream.service import models

_TAIL_BYTES = 64 << 10
"""Of events.jsonl, in which the last message about progress is looked for."""


def progress_of(events: Path) -> tuple[str | None, models.Progress | None]:
    """The last stage that began, and its last message about progress, from the end of events.jsonl."""
    stage = progress = None
    for line in _last_lines(events):
        if line["kind"] == "progress" and progress is None:
            stage, progress = line["name"].split("/")[0], models.Progress(**line["value"])
        if line["kind"] == "stage_started":
            return line["value"]["stage"], progress
    return stage, progress  # a long stage may have begun before the lines that were read


def _last_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines from the end backwards."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            lines = stream.read().split(b"\n")
    except OSError:
        return
    for line in reversed(lines[1:-1] if size > _TAIL_BYTES else lines[:-1]):
        yield json.loads(line)
