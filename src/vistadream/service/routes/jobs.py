"""The jobs of the caller: list, look, cancel, resume, delete, log."""

from __future__ import annotations

from asyncio import to_thread
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from vistadream.runs.paths import RunPaths
from vistadream.service.access.caller import Asking
from vistadream.service.intake.changes import changed_words
from vistadream.service.models import CURSOR, Job, ListedJob, Page, Plan, PlannedStage, Resume, State
from vistadream.service.problems import ProblemError, documented, request_id_of
from vistadream.service.queue.listed import listed
from vistadream.service.queue.tables import ENDED
from vistadream.service.queue.task_words import task_words
from vistadream.service.service import Here, JobId, Named
from vistadream.service.views import whole_job

router = APIRouter(tags=["jobs"])
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


@router.get("/jobs/{job_id}", operation_id="get_job", response_model=Job, responses=documented(404, 422))
def get_job(job_id: JobId, service: Here, caller: Asking) -> Response:
    """All that is known of a job."""
    job = whole_job(service.job(job_id, caller), service)  # here: as dependencies they would wait for more threads
    return Response(job.model_dump_json(), media_type="application/json")  # a Job is valid already


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
    async with changed_words(request, row, service) as words:
        if (queued := await to_thread(service.store.requeue, row.id, words, request_id_of(request))) is None:
            raise ProblemError(409, "another request was faster; wanted a job that has ended")
    return await to_thread(whole_job, queued, service)


@router.post(
    "/jobs/{job_id}/plan", operation_id="plan_job", responses=documented(404, 413, 422, 503), openapi_extra=_RESUME
)
async def plan_job(request: Request, row: Named, service: Here) -> Plan:
    """What resume would do with the same body: which stages are computed again, and which are kept. Nothing changes."""
    async with changed_words(request, row, service, stays=False) as words:
        whole = task_words(replace(row, words=tuple(words)), service.data.input(row.id))
        stages = await service.clerk.plan(whole, row.kind, service.data.run(row.id))
    return Plan(stages=[PlannedStage(**stage) for stage in stages], words=words)


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
