"""The files that the run of a job left."""

from __future__ import annotations

import re
import time
from asyncio import to_thread
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import FileResponse, JSONResponse

from vistadream.runs.paths import RunPaths
from vistadream.service import models
from vistadream.service.intake.uploads import safe_name
from vistadream.service.making import can_be_made, made
from vistadream.service.problems import ProblemError, documented
from vistadream.service.queue.export_table import ExportRow
from vistadream.service.queue.tables import JobRow
from vistadream.service.results import REPORT_POLICY, ResultFile, results_of
from vistadream.service.service import Here, Named, Service

_RANGE = re.compile(r"bytes=(?:\d{1,18}-\d{0,18}|-\d{1,18})(?:, ?(?:\d{1,18}-\d{0,18}|-\d{1,18})){0,15}", re.ASCII)
_PART = re.compile(r"(\d*)-(\d*)", re.ASCII)
_RETRY_S = "1"
router = APIRouter(tags=["results"], prefix="/jobs/{job_id}/results")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
WHOLE: dict[int | str, dict[str, Any]] = {
    202: {"model": models.Making, "description": "The file is being made: ask again after Retry-After."},
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
    results = [models.Result(**each.public(digests)) for each in found.values()]
    return models.Results(results=results, available=can_be_made(row, found))


@router.get(
    "/{name:path}",
    operation_id="get_result",
    response_class=FileResponse,
    response_model=None,
    responses=WHOLE | documented(400, 404, 409, 416, 422, 503, 507),
)
async def get_result(
    row: Named,
    service: Here,
    name: Annotated[str, Path(description="As in the list of results.", examples=["gaussians.ply"])],
    if_none_match: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
    range: Annotated[str | None, Header(examples=["bytes=0-1023"])] = None,
    wait: Annotated[float, Query(ge=0, description="Seconds to wait for one that is made now.")] = 0,
) -> Response:
    """One file, whole or in ranges. One that is `available` is made first: until then the answer is 202."""
    found = await _found_or_made(row, name, service, min(wait, service.knobs.max_wait_s))
    if isinstance(found, ExportRow):
        url = f"/v1/jobs/{row.id}/results/{name}"
        content = {"name": name, "url": url, "state": found.state}
        return JSONResponse(content, 202, headers={"Location": url, "Retry-After": _RETRY_S})
    return await to_thread(answered, found, row.input_name, row.id, range if not if_range else None, if_none_match)


async def _found_or_made(row: JobRow, name: str, service: Service, wait_s: float) -> ResultFile | ExportRow:
    """The result of that name, or one that is made of the scene; ProblemError 404 where it is neither."""
    paths, listed_s = RunPaths(service.data.run(row.id)), time.time()
    results = await to_thread(results_of, row.id, paths)
    if name not in results and name in can_be_made(row, results):
        asked = await made(row, name, service, listed_s, wait_s)
        if not asked.ended:
            return asked
        results = await to_thread(results_of, row.id, paths)
    if name not in results:
        raise ProblemError(404, f"{name[:64]!r} is not a result of this job; wanted a name of its list of results")
    return results[name]


def answered(found: ResultFile, input_name: str, id: str, range: str | None, if_none_match: str | None) -> Response:
    """A file as it is sent: under a name of its input and id, in ranges, or not at all where the client has it."""
    if range:
        _check_range(range, found.bytes)
    response = _file(found, input_name, id)
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


def _file(found: ResultFile, input_name: str, id: str) -> FileResponse:
    """Pages and pictures are shown, all else is saved under a name that says which job it is of."""
    shown = found.media_type.startswith(("text/html", "image/", "video/"))
    stem = PurePosixPath(safe_name(input_name or "scene")).stem
    response = FileResponse(
        found.path,
        media_type=found.media_type,
        filename=safe_name(f"{stem}_{id[-6:]}_{found.name.replace('/', '_')}"),
        stat_result=found.path.stat(),
        content_disposition_type="inline" if shown else "attachment",
    )
    response.headers["cache-control"] = "no-cache"
    if found.media_type.startswith(("text/html", "image/svg")):
        response.headers["content-security-policy"] = REPORT_POLICY
    return response
