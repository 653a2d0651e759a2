"""Batches of the caller: make, list, look, cancel, delete, and all results as one zip."""

from __future__ import annotations

from asyncio import to_thread
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from vistadream.service.access.caller import Asking
from vistadream.service.archive import ZIP, sent
from vistadream.service.batches.archive import archive_of
from vistadream.service.batches.batches import Batches
from vistadream.service.batches.intake import PARTS, submitted
from vistadream.service.batches.models import Batch, BatchJob, BatchPage, ListedBatch
from vistadream.service.batches.tables import BatchRow
from vistadream.service.models import CURSOR, ID, ListedJob
from vistadream.service.problems import ProblemError, documented
from vistadream.service.queue.listed import listed, time_of
from vistadream.service.routes.predict import FORM, NoCache, UseCache, says_no_cache
from vistadream.service.service import Here, Service

router = APIRouter(tags=["batches"], prefix="/batches")
_UNDER_WAY = ("queued", "running")
_FORM = {
    "type": "object",
    "properties": {
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "The pictures, or one zip of them.",
        },
        **{name: FORM["properties"][name] for name in PARTS},  # for all of them
    },
    "additionalProperties": False,
    "required": ["file"],
}
_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}}
_LINKS = {
    name: {"operationId": name, "parameters": {"batch_id": "$response.body#/id"}}
    for name in ("get_batch", "get_archive", "cancel_batch", "delete_batch")
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Batch, "description": "Its jobs are in the queue.", "links": _LINKS}
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A folder for each scene, and manifest.json with the sha256 of each file and the failures.",
        "content": ZIP,
    }
}


def batch_of(
    batch_id: Annotated[str, Path(description="As POST /batches answered it.", max_length=64, examples=[ID])],
    service: Here,
    caller: Asking,
) -> BatchRow:
    """The batch that a path names; ProblemError 404 when the caller has none of that id."""
    if (row := _batches(service).get(batch_id, caller.owner)) is None:
        raise ProblemError(404, f"{batch_id[:64]!r} is not a batch of yours; wanted an id of GET /v1/batches")
    return row


Named = Annotated[BatchRow, Depends(batch_of)]


@router.post(
    "",
    operation_id="add_batch",
    status_code=202,
    responses=_ANSWERS | documented(403, 408, 409, 413, 415, 422, 503, 507),
    openapi_extra=_BODY,
)
async def add_batch(
    request: Request,
    response: Response,
    service: Here,
    caller: Asking,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    cache: UseCache = True,
    cache_control: NoCache = None,
) -> Batch:
    """Puts a job into the queue for each of many pictures, or of those in a zip: for all of them, or for none."""
    fresh = not cache or says_no_cache(cache_control)
    row = await submitted(request, service, caller, idempotency_key, fresh)
    response.headers["Location"] = f"/v1/batches/{row.id}"
    return await to_thread(_whole, row, service)


@router.get("", operation_id="list_batches", responses=documented(422))
def list_batches(
    service: Here,
    caller: Asking,
    cursor: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> BatchPage:
    """Batches, the newest first."""
    rows = _batches(service).page(caller.owner, cursor, limit + 1)
    shown = rows[:limit]
    counts = _batches(service).counts([row.id for row in shown])
    batches = [ListedBatch(**_listed(row, counts[row.id])) for row in shown]
    return BatchPage(batches=batches, next=shown[-1].id if len(rows) > limit else None)


@router.get("/{batch_id}", operation_id="get_batch", responses=documented(404, 422))
def get_batch(row: Named, service: Here) -> Batch:
    """A batch with its jobs."""
    return _whole(row, service)


@router.get(
    "/{batch_id}/archive",
    operation_id="get_archive",
    response_class=StreamingResponse,
    response_model=None,
    responses=_ZIP | documented(404, 409, 422),
)
def get_archive(row: Named, service: Here) -> StreamingResponse:
    """The results of all jobs as one zip, once they have all ended."""
    members = _batches(service).members(row.id)
    if waiting := sum(member.job is not None and member.job.state in _UNDER_WAY for member in members):
        raise ProblemError(409, f"{waiting} jobs of the batch are queued or run; wanted all to have ended")
    return sent(archive_of(row, members, service.data), f"batch_{row.id[-6:]}.zip")


@router.post("/{batch_id}/cancel", operation_id="cancel_batch", status_code=202, responses=documented(403, 404, 422))
def cancel_batch(row: Named, service: Here) -> Batch:
    """Ends the jobs of a batch that are queued or run. What they have done is kept."""
    for member in _batches(service).members(row.id):
        if member.job and member.job.state in _UNDER_WAY:
            service.store.ask_cancel(member.job_id)
    return _whole(row, service)


@router.delete("/{batch_id}", operation_id="delete_batch", status_code=204, responses=documented(403, 404, 409, 422))
def delete_batch(row: Named, service: Here) -> Response:
    """Removes a batch with its jobs, their pictures and results."""
    members = _batches(service).members(row.id)
    if not _batches(service).remove(row.id):
        raise ProblemError(409, "a job of the batch is running; wanted none that does: cancel the batch first")
    for member in members:
        service.data.discard(member.job_id)
    service.cache.trim()
    return Response(status_code=204)


def _batches(service: Service) -> Batches:
    return Batches(service.store.database)


def _listed(row: BatchRow, counts: dict[str, int]) -> dict[str, Any]:
    """The fields of `ListedBatch`."""
    running = any(state in _UNDER_WAY for state in counts)
    about = {"state": "running" if running else "ended", "counts": counts}
    return {"id": row.id, "created": time_of(row.created_s), **about}


def _whole(row: BatchRow, service: Service) -> Batch:
    members = _batches(service).members(row.id)
    counts: dict[str, int] = {}
    for member in members:
        state = member.job.state if member.job else "deleted"
        counts[state] = counts.get(state, 0) + 1
    jobs = [
        BatchJob(folder=each.folder, job_id=each.job_id, job=ListedJob(**listed(each.job)) if each.job else None)
        for each in members
    ]
    return Batch(**_listed(row, counts), jobs=jobs)
