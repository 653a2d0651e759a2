"""Entries of the gallery as the service answers them, and the pictures of their scenes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from vistadream.runs.listed import Listed
from vistadream.runs.paths import RunPaths
from vistadream.service.gallery.elsewhere import OtherRun
from vistadream.service.gallery.gallery import Entry
from vistadream.service.queue.listed import time_text
from vistadream.service.queue.tables import JobRow
from vistadream.service.service import Service


def folder_of(entry: Entry, service: Service) -> Path:
    """The run folder of an entry; of a job that is changed the one before, until the new one is whole."""
    if isinstance(entry.run, OtherRun):
        return entry.run.folder
    return service.data.before(entry.id) if has_before(entry.run, service) else service.data.run(entry.id)


def has_before(run: JobRow | OtherRun, service: Service) -> bool:
    """Whether there is a result of before a change of a job that is under way, or that did not come to its end."""
    return isinstance(run, JobRow) and run.state != "done" and service.data.before(run.id).is_dir()


def shown(entry: Entry, service: Service) -> dict[str, Any]:
    """The fields of `models.GalleryEntry`."""
    paths, run = RunPaths(folder_of(entry, service)), entry.run
    stages, before = paths.finished_stages(), has_before(run, service)
    return {
        "id": entry.id,
        "name": entry.name,
        "state": entry.run.state,
        "stage": stages[-1] if stages else None,
        "seconds": _seconds(paths, stages),
        "created": time_text(entry.run.created_s),
        "words": _words_of(paths, service) if before else entry.words,
        "tags": list(entry.mark.tags),
        "star": entry.mark.star,
        "thumbnail": f"/v1/gallery/{entry.id}/thumbnail" if stages else None,
        "job": None if isinstance(run, OtherRun) else entry.id,
        "read_only": isinstance(run, OtherRun),
        "before": before,
        "damaged": run.is_damaged if isinstance(run, OtherRun) else _lacks_results(entry, paths),
    }


def thumbnail_file(entry: Entry, stage: str, service: Service) -> Path:
    """Where the picture of a stage's scene is kept: with the service, under a name that changes with the scene."""
    done = RunPaths(folder_of(entry, service)).stage(stage) / "done.json"
    about = os.stat(done)
    version = hashlib.sha256(f"{stage} {about.st_mtime_ns} {about.st_size}".encode()).hexdigest()[:16]
    return service.data.thumbnails / f"{entry.id}-{version}.jpg"


def _seconds(paths: RunPaths, stages: tuple[str, ...]) -> float | None:
    """What the finished stages took together."""
    took = [(paths.finished(stage) or {}).get("seconds") for stage in stages]
    numbers = [float(each) for each in took if isinstance(each, int | float)]
    return round(sum(numbers), 2) if numbers else None


def _words_of(paths: RunPaths, service: Service) -> list[str]:
    """The overrides in run.json, without those that say where the service keeps its files."""
    words = paths.facts().get("overrides")
    return [word for word in map(str, words or ()) if str(service.data.root) not in word]


def _lacks_results(entry: Entry, paths: RunPaths) -> bool:
    return entry.run.state == "done" and Listed.read(paths.root).key is None
