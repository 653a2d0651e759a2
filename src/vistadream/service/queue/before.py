"""The result that a job had before it went on with other knobs. It is kept until the new one is whole."""

from __future__ import annotations

import logging
from pathlib import Path

from vistadream.formats.files import remove
from vistadream.runs.listed import Listed
from vistadream.runs.paths import RunPaths
from vistadream.service.cache.copies import copy_run

FOLDER = "before"
"""In the folder of the job, with the layout of a run folder."""


def keep_before(job: Path) -> None:
    """Keeps the whole run in the folder of a job, by links, before a worker changes it.

    A run that is not whole leaves what was kept earlier as it is. The caller holds the lock of the job.
    """
    run, kept, draft = job / "run", job / FOLDER, job / f"{FOLDER}.draft"
    if RunPaths(run).facts().get("status") != "finished" or Listed.read(run).key is None:
        return
    remove(draft)
    try:
        copy_run(run, draft, {})
        remove(kept)
        draft.rename(kept)
    except OSError as error:  # the job goes on all the same
        logging.getLogger("vistadream.service").warning("the result before is not kept: %s", error)
        remove(draft)


def drop_before(job: Path) -> None:
    """Removes what was kept, as the new run is whole. The caller holds the lock of the job."""
    remove(job / FOLDER)
