"""How far the run of a job is, from the end of its events.jsonl."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from vistadream.service import models

_TAIL_BYTES = 64 << 10
"""Of events.jsonl, in which the last message about progress is looked for."""


def progress_of(events: Path) -> tuple[str | None, models.Progress | None]:
    """The last stage that began, and its last message about progress, from the end of events.jsonl."""
    tail = _tail(events)
    at, began = _last(tail, "stage_started")
    _, said = _last(tail[at:], "progress")
    progress = models.Progress(**said["value"]) if said else None
    if began:
        return began["value"]["stage"], progress
    return said["name"].split("/")[0] if said else None, progress  # a long stage may have begun before the tail


def _tail(path: Path) -> bytes:
    """Whole lines from the end of a file; none where there is no file."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            read = stream.read()
    except OSError:
        return b""
    return read[read.find(b"\n") + 1 if size > _TAIL_BYTES else 0 : read.rfind(b"\n") + 1]


def _last(lines: bytes, kind: str) -> tuple[int, dict[str, Any]]:
    """The last line of a kind, with where it begins; (0, {}) without one. No other line is parsed."""
    mark, end = f'"kind": "{kind}"'.encode(), len(lines)
    while (found := lines.rfind(mark, 0, end)) >= 0:
        end = lines.rfind(b"\n", 0, found) + 1
        line = json.loads(lines[end : lines.find(b"\n", found)])
        if line["kind"] == kind:
            return end, line
    return 0, {}
