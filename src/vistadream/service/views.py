"""Rows of the queue and folders of runs as the service answers them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vistadream.formats.json_file import read_json
from vistadream.runs.paths import RunPaths
from vistadream.service import models
from vistadream.service.queue.listed import listed
from vistadream.service.queue.tables import JobRow
from vistadream.service.results import results_of
from vistadream.service.service import Service
from vistadream.service.watch.timings import seconds_left
from vistadream.workers.progress import last_progress_s

_TAIL_BYTES = 64 << 10
"""Of events.jsonl, in which the last message about progress is looked for."""


def whole_job(row: JobRow, service: Service) -> models.Job:
    """A job with its stage, progress, figures and results."""
    paths = RunPaths(service.data.run(row.id))
    results = results_of(row.id, paths)
    stage, progress = _progress(paths.events)
    figures = _figures(paths.root / "metrics.json") if row.state == "done" else None
    running = row.state == "running"
    ply = next((each.url for each in results.values() if row.state == "done" and each.name == "gaussians.ply"), None)
    return models.Job(
        **listed(row) | {"url": ply},
        place=_place(row, service),
        joined=_joined(row, service),
        stage=stage,
        progress=progress if running else None,
        seconds_left=_seconds_left(row, service),
        memory_steps=list(row.memory_steps),
        figures=figures,
        results=[models.Result(**each.public()) for each in results.values()],
    )


def _seconds_left(row: JobRow, service: Service) -> float | None:
    """Of the work that is left of a job in the queue or under way, as jobs like it took."""
    if row.state not in ("queued", "running"):
        return None
    expected, run = service.timings.expected(row.kind, row.words), service.data.run(row.id)
    if row.state == "queued":
        return seconds_left(expected, (), time.time())
    return seconds_left(expected, ("start", *RunPaths(run).finished_stages()), last_progress_s(run) or row.started_s)


def _place(row: JobRow, service: Service) -> int | None:
    before = service.store.place(row.id) if row.state == "queued" else None
    return None if before is None else before + 1


def _joined(row: JobRow, service: Service) -> str | None:
    other = service.store.equal_under_way(row) if row.state == "queued" and row.result_key else None
    return other.id if other else None


def _figures(path: Path) -> dict[str, Any] | None:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return None


def _progress(events: Path) -> tuple[str | None, models.Progress | None]:
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
