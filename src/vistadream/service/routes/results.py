"""The files that the run of a job left."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import FileResponse

from vistadream.runs.paths import RunPaths
from vistadream.service import models
from vistadream.service.intake.uploads import safe_name
from vistadream.service.problems import ProblemError, documented
from vistadream.service.queue.tables import JobRow
from vistadream.service.results import REPORT_POLICY, ResultFile, results_of
from vistadream.service.service import Here, Named

_RANGE = re.compile(r"bytes=(?:\d{1,18}-\d{0,18}|-\d{1,18})(?:, ?(?:\d{1,18}-\d{0,18}|-\d{1,18})){0,15}", re.ASCII)
_PART = re.compile(r"(\d*)-(\d*)", re.ASCII)
router = APIRouter(tags=["results"], prefix="/jobs/{job_id}/results")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_WHOLE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, of the media type that the list of results names.", "content": {"*/*": _BINARY}},
    206: {"description": "The ranges that were asked for.", "content": {"*/*": _BINARY}},
    304: {"description": "The file is the one of If-None-Match."},
}


@router.get("", operation_id="list_results", responses=documented(404, 422))
def list_results(
    row: Named,
    service: Here,
    digests: Annotated[bool, Query(description="With the sha256 of each file.")] = False,
) -> models.Results:
    """The files of a job: scene, video, report, figures, recording, the Gaussians of each stage, newest pictures."""
    found = results_of(row.id, RunPaths(service.data.run(row.id)))
    return models.Results(results=[models.Result(**each.public(digests)) for each in found.values()])


@router.get(
    "/{name:path}",
    operation_id="get_result",
    response_class=FileResponse,
    response_model=None,
    responses=_WHOLE | documented(400, 404, 416, 422),
)
def get_result(
    row: Named,
    service: Here,
    name: Annotated[str, Path(description="As in the list of results.", examples=["gaussians.ply"])],
    if_none_match: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
    range: Annotated[str | None, Header(examples=["bytes=0-1023"])] = None,
) -> Response:
    """One file, whole or in ranges."""
    found = results_of(row.id, RunPaths(service.data.run(row.id))).get(name)
    if found is None:
        raise ProblemError(404, f"{name[:64]!r} is not a result of this job; wanted a name of its list of results")
    if range and not if_range:
        _check_range(range, found.bytes)
    response = _file(found, row)
    if if_none_match and response.headers["etag"] in map(str.strip, if_none_match.split(",")):
        return Response(status_code=304, headers={"etag": response.headers["etag"]})
    return response


def _check_range(asked: str, size: int) -> None:
    """ProblemError 400 when it does not name bytes, and 416 when it begins after the end of the file."""
    if not _RANGE.fullmatch(asked):
        raise ProblemError(400, f"Range is {asked[:64]!r}; wanted bytes=FIRST-LAST, such as bytes=0-1023")
    parts = _PART.findall(asked)
    if any(first and last and int(last) < int(first) for first, last in parts):
        raise ProblemError(400, f"Range is {asked[:64]!r}; wanted a first byte that does not come after the last")
    if any((int(first) if first else max(0, size - int(last))) >= size for first, last in parts):
        headers = {"Content-Range": f"bytes */{size}"}
        raise ProblemError(416, f"the file ends after {size} bytes; wanted a range in it", headers=headers)


def _file(found: ResultFile, row: JobRow) -> FileResponse:
    """Pages and pictures are shown, all else is saved under a name that says which job it is of."""
    shown = found.media_type.startswith(("text/html", "image/", "video/"))
    stem = PurePosixPath(safe_name(row.input_name or "scene")).stem
    response = FileResponse(
        found.path,
        media_type=found.media_type,
        filename=safe_name(f"{stem}_{row.id[-6:]}_{found.name.replace('/', '_')}"),
        stat_result=found.path.stat(),
        content_disposition_type="inline" if shown else "attachment",
    )
    response.headers["cache-control"] = "no-cache"
    if found.media_type.startswith(("text/html", "image/svg")):
        response.headers["content-security-policy"] = REPORT_POLICY
    return response
