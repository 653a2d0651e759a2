"""All results of one run as one zip."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from vistadream.runs.paths import RunPaths
from vistadream.service.archive import ZIP, exported, sent, zipped
from vistadream.service.gallery.shown import folder_of
from vistadream.service.intake.uploads import safe_name
from vistadream.service.problems import ProblemError, documented
from vistadream.service.routes import gallery
from vistadream.service.service import Here, Named

router = APIRouter()
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The files under the names that the list of results has.", "content": ZIP}
}
_HOW: dict[str, Any] = {
    "response_class": StreamingResponse,
    "response_model": None,
    "responses": _ANSWERS | documented(404, 409, 422),
}


@router.get("/jobs/{job_id}/archive", operation_id="get_job_archive", tags=["results"], **_HOW)
def get_job_archive(row: Named, service: Here) -> StreamingResponse:
    """The results of an ended job as one zip, without the Gaussians of its stages and the newest pictures."""
    return _archive(RunPaths(service.data.run(row.id)), row.state, row.input_name or "scene", row.id)


@router.get("/gallery/{entry_id}/archive", operation_id="get_gallery_archive", tags=["gallery"], **_HOW)
def get_gallery_archive(entry: gallery.Named, service: Here) -> StreamingResponse:
    """The same of a run of the gallery."""
    return _archive(RunPaths(folder_of(entry, service)), entry.run.state, entry.name, entry.id)


def _archive(paths: RunPaths, state: str, name: str, id: str) -> StreamingResponse:
    if state in ("queued", "running"):
        raise ProblemError(409, f"the run is {state}; wanted one that has ended: its files change until then")
    files = list(exported(paths))
    if not files:
        raise ProblemError(404, "this run left no results; wanted one that did")
    return sent(zipped(files), safe_name(f"{PurePosixPath(safe_name(name)).stem}_{id[-6:]}.zip"))
