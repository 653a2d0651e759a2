"""One item, from its start to the moment when it is published. Any engine calls this."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from vistadream.batch.claim import run_folder
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item
from vistadream.batch.pictures import picture_at
from vistadream.batch.storage import Storage
from vistadream.core import UserError
from vistadream.exporters.file_names import GAUSSIAN_FORMATS, gaussians_file
from vistadream.formats.files import link_or_copy, remove, sha256_of, write_json
from vistadream.runs.listed import EXPORT, Listed, files_in
from vistadream.runs.paths import RunPaths
from vistadream.session import never
from vistadream.workers.carry_out import attempt as attempt_task
from vistadream.workers.carry_out import errno_of
from vistadream.workers.progress import seconds_of_parts
from vistadream.workers.queue import Outcome, Task

Keep = Literal["results", "scene", "all"]


def work_on(
    item: Item,
    attempt: int,
    folder: BatchFolder,
    storage: Storage,
    keep: Keep = "results",
    cancelled: Callable[[], bool] = never,
    device: str = "",
    images: str = "",
) -> Outcome:
    """Carries out an item in the folder of the attempt, and publishes it. "done": it is published, by whomever.

    What an earlier attempt left in the folder is gone on with. The claim is the caller's, who settles or drops it.
    """
    claim, began_s = folder.attempt(item.id, attempt), time.monotonic()
    run = run_folder(claim, item.id)
    try:
        picture = picture_at(item, folder, images, claim)
    except UserError as error:
        return Outcome("failed", str(error), errno_of(error))
    task = Task(item.id, attempt, "single_img", (*item.words, f"image={picture}"), run)
    try:
        with storage.stages(item.id, run):
            outcome = attempt_task(task, cancelled)
        if outcome.state == "done":
            about = {"attempt": attempt, "seconds": round(time.monotonic() - began_s, 3), "device": device}
            make_ready(item, run, claim / "ready", keep, about)
            storage.publish(item.id, claim / "ready")
    except OSError as error:
        if not claim.exists():
            return Outcome("interrupted")  # somebody has taken the claim over
        return Outcome("broken", f"it could not be published: {error.strerror or error}", error.errno)
    return outcome


def make_ready(item: Item, run: Path, ready: Path, keep: Keep, about: dict[str, Any]) -> None:
    """Fills a folder with what is published of a finished run, item.json with the sha256 of each file included."""
    remove(ready)
    ready.mkdir()
    for name, file in kept_files(run, keep).items():
        (ready / name).parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(str(run / file), str(ready / name))
    of_run, facts = _of_the_run(keep), RunPaths(run).facts()
    digests = {name: sha256_of(ready / name) for name in sorted(files_in(ready, ready))}
    write_json(
        ready / "item.json",
        {
            "id": item.id,
            "names": list(item.names),
            "label": item.label,
            "words": list(item.words),
            "files": {name: digest for name, digest in digests.items() if not of_run(name)},
            "of_the_run": {name: digest for name, digest in digests.items() if of_run(name)},
            "node": platform.node(),
            **about,
            "ended": round(time.time(), 3),
            "bytes": sum((ready / name).stat().st_size for name in digests),
            "stages": seconds_of_parts(run),
            "figures": facts.get("metrics"),
            "vistadream": facts.get("vistadream"),
        },
    )


def kept_files(run: Path, keep: Keep) -> dict[str, str]:
    """The files of a run that are published, by their names there, with their paths in the run folder."""
    if keep == "all":
        return {name: name for name in files_in(run, run)}
    results = Listed.read(run).by_name()
    scenes = {gaussians_file(form) for form in GAUSSIAN_FORMATS}
    return {name: file for name, file in results.items() if keep == "results" or name in scenes}


def _of_the_run(keep: Keep) -> Callable[[str], bool]:
    """Which files tell of the run, with its seconds and its machine: their bytes differ from run to run."""
    if keep != "all":
        return lambda name: name == "report.html"
    return lambda name: not name.startswith(f"{EXPORT}/") and not _is_scene_of_stage(name)


def _is_scene_of_stage(name: str) -> bool:
    return name[:2].isdigit() and not name.endswith("done.json")
