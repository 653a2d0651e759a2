"""Rows of the queue and folders of runs as the service answers them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vistadream.formats.json_file import read_json
from vistadream.runs.paths import RunPaths
from vistadream.service import models
from vistadream.service.gallery.shown import has_before
from vistadream.service.progress import progress_of
from vistadream.service.queue.listed import listed
from vistadream.service.queue.tables import JobRow
from vistadream.service.results import results_of
from vistadream.service.service import Service
from vistadream.service.watch.timings import seconds_left
from vistadream.workers.progress import last_progress_s


def whole_job(row: JobRow, service: Service) -> models.Job:
    """A job with its stage, progress, figures and results."""
    paths = RunPaths(service.data.run(row.id))
    has_begun = row.attempt > 0  # before that there is no run folder
    results = results_of(row.id, paths) if has_begun else {}
    stage, progress = progress_of(paths.events) if has_begun else (None, None)
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
        before=f"/v1/gallery/{row.id}" if has_before(row, service) else None,
    )


def _seconds_left(row: JobRow, service: Service) -> float | None:
    """Of the work that is left of a job in the queue or under way, as jobs like it took."""
    if row.state not in ("queued", "running"):
        return None
    expected, run = service.expected(row.kind, row.words), service.data.run(row.id)
    if row.state == "queued":
        return seconds_left(expected, (), time.time())
    return seconds_left(expected, ("start", *RunPaths(run).finished_stages()), last_progress_s(run) or row.started_s)


def _place(row: JobRow, service: Service) -> int | None:
    before = service.store.place(row)
    return None if before is None else before + 1


def _joined(row: JobRow, service: Service) -> str | None:
    other = service.store.equal_under_way(row) if row.state == "queued" and row.result_key else None
    return other.id if other else None


def _figures(path: Path) -> dict[str, Any] | None:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return None
