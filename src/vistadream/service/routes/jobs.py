"""The jobs of the caller: list, look, cancel, resume, delete, log."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from vistadream.runs.paths import RunPaths
from vistadream.service.access.caller import Asking
from vistadream.service.intake.cameras import LONGEST_BYTES, camera_file
from vistadream.service.intake.json_text import body_object
from vistadream.service.models import CURSOR, Job, ListedJob, Page, Resume, State
from vistadream.service.problems import ProblemError, documented, request_id_of
from vistadream.service.queue.listed import listed
from vistadream.service.queue.tables import ENDED
from vistadream.service.service import Here, Named
from vistadream.service.views import whole_job

router = APIRouter(tags=["jobs"])
_EXAMPLE = '{"knobs": {"stages.refine.steps": 400}}'
_RESUME = {"requestBody": {"content": {"application/json": {"schema": Resume.model_json_schema()}}}}


@router.get("/jobs", operation_id="list_jobs", responses=documented(422))
def list_jobs(
    service: Here,
    caller: Asking,
    state: Annotated[State | None, Query(description="Only jobs in this state.")] = None,
    q: Annotated[
        str | None,
        Query(max_length=200, description="A part of the file's name, or an id."),
    ] = None,
    cursor: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Page:
    """Jobs, the newest first. The cursor names a job, so that pages stay whole while jobs come and go."""
    rows = service.store.page(caller.owner, state=state, text=q, before=cursor, limit=limit + 1)
    jobs = [ListedJob(**listed(row)) for row in rows[:limit]]
    return Page(jobs=jobs, next=rows[limit - 1].id if len(rows) > limit else None)


@router.get("/jobs/{job_id}", operation_id="get_job", responses=documented(404, 422))
def get_job(row: Named, service: Here) -> Job:
    """All that is known of a job."""
    return whole_job(row, service)


@router.post(
    "/jobs/{job_id}/cancel", operation_id="cancel_job", status_code=202, responses=documented(403, 404, 409, 422)
)
def cancel_job(row: Named, service: Here) -> Job:
    """Ends a job: at once while it is queued, within seconds while it runs. What it has done is kept."""
    if row.state in ("done", "failed"):
        raise ProblemError(409, f"the job is {row.state}; wanted one that is queued or runs")
    return whole_job(service.store.ask_cancel(row.id) or row, service)


@router.post(
    "/jobs/{job_id}/resume",
    operation_id="resume_job",
    status_code=202,
    responses=documented(403, 404, 409, 413, 415, 422, 503, 507),
    openapi_extra=_RESUME,
)
async def resume_job(request: Request, row: Named, service: Here) -> Job:
    """Puts an ended job into the queue again. Stages whose knobs are the same are not computed again."""
    service.refuse_while_closing()
    await to_thread(service.refuse_without_room)
    await to_thread(service.quota.check, row.owner)
    if row.state not in ENDED:
        raise ProblemError(409, f"the job is {row.state}; wanted one that has ended")
    knobs, cameras = _knobs_and_cameras(await body_object(request, _EXAMPLE, LONGEST_BYTES))
    async with camera_file(cameras, row.id, service.data) as file:
        words = await service.clerk.words(knobs, row.kind, before=row.words, cameras=file)
        if (queued := await to_thread(service.store.requeue, row.id, words, request_id_of(request))) is None:
            raise ProblemError(409, "another request was faster; wanted a job that has ended")
    return await to_thread(whole_job, queued, service)


@router.delete("/jobs/{job_id}", operation_id="delete_job", status_code=204, responses=documented(403, 404, 409, 422))
def delete_job(row: Named, service: Here) -> Response:
    """Removes a job with its input and results."""
    if not service.store.remove(row.id) and service.store.get(row.id):
        raise ProblemError(409, "the job is running; wanted one that does not: cancel it first")
    service.data.discard(row.id)
    service.cache.trim()  # a result that only this job had besides counts from now on
    return Response(status_code=204)


@router.get(
    "/jobs/{job_id}/log",
    operation_id="get_log",
    response_class=PlainTextResponse,
    responses=documented(404, 422),
)
def get_log(row: Named, service: Here) -> PlainTextResponse:
    """The run's log; empty before the job begins."""
    try:
        return PlainTextResponse(RunPaths(service.data.run(row.id)).log.read_bytes())
    except FileNotFoundError:
        return PlainTextResponse("")


def _knobs_and_cameras(asked: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The fields of a body."""
    if odd := [name for name in asked if name not in ("knobs", "cameras")]:
        raise ProblemError(422, f"{odd[0][:64]!r} is not a field of this request; wanted knobs or cameras")
    knobs = asked.get("knobs", {})
    if not isinstance(knobs, dict):
        raise ProblemError(422, 'knobs is not an object; wanted one such as {"stages.refine.steps": 400}')
    return knobs, asked.get("cameras")
