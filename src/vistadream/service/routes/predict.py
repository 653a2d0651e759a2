"""POST /v1/predict: a picture or words become a job."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from vistadream.service.access.caller import Asking
from vistadream.service.intake.submission import submitted
from vistadream.service.models import Job, JobWebhook
from vistadream.service.outgoing.safe_http import LONGEST_URL
from vistadream.service.problems import documented
from vistadream.service.queue.tables import JobRow
from vistadream.service.service import Here, Service
from vistadream.service.views import whole_job

router = APIRouter(tags=["jobs"])
UseCache = Annotated[bool, Query(description="false: a run of its own, which uses no other job's result.")]
NoCache = Annotated[str | None, Header(examples=["no-cache"], description="no-cache: as cache=false.")]
_UNDER_WAY = ("queued", "running")
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The picture."},
        "image_url": {
            "type": "string",
            "maxLength": LONGEST_URL,
            "description": "Where the picture is, in place of file: http or https, at a public address.",
            "examples": ["https://gallery.example.org/kitchen.jpg"],
        },
        "webhook_url": {
            "type": "string",
            "maxLength": LONGEST_URL,
            "description": "Is sent the end of this job, signed with the secret that the answer holds.",
            "examples": ["https://gallery.example.org/scenes"],
        },
        "knobs": {
            "type": "object",
            "description": "JSON, as GET /v1/knobs describes it.",
            "examples": [{"stage": "coarse", "seed": 3}],
        },
        "priority": {"type": "integer", "minimum": -100, "maximum": 100, "description": "Higher ones run first."},
        "degrade": {
            "type": "boolean",
            "description": "Whether max_resolution may be made smaller when the memory is full. The job says so then.",
        },
    },
    "additionalProperties": False,
    "oneOf": [
        {"required": ["file"]},
        {"required": ["image_url"]},
        {"required": ["knobs"], "properties": {"knobs": {"required": ["prompt"]}}},
    ],
}
_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}}
_LINKS = {
    name: {"operationId": name, "parameters": {"job_id": "$response.body#/id"}}
    for name in ("get_job", "cancel_job", "list_results", "get_log", "delete_job")
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The job has ended, within the wait or before.", "links": _LINKS},
    202: {"model": Job, "description": "The job is in the queue, or runs.", "links": _LINKS},
}


@router.post(
    "/predict",
    operation_id="predict",
    response_model=Job,
    responses=_ANSWERS | documented(403, 408, 409, 413, 415, 422, 502, 503, 504, 507),
    openapi_extra=_BODY,
)
async def predict(
    request: Request,
    response: Response,
    service: Here,
    caller: Asking,
    wait: Annotated[float | None, Query(ge=0, description="Seconds to wait for the result.")] = None,
    prefer: Annotated[str | None, Header(examples=["wait=60"])] = None,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    cache: UseCache = True,
    cache_control: NoCache = None,
) -> Job:
    """Puts a job into the queue: a picture, also by its URL, or `prompt` in the knobs, becomes a scene.

    A job whose result is in the cache is done at once, and one of which an equal job is under way takes that one's. The
    same Idempotency-Key with the same content is the same job, so that a request can be sent again.
    """
    wait_s = min(_wait_s(prefer, wait, service), service.knobs.max_wait_s)
    row = await submitted(request, service, caller, idempotency_key, fresh=not cache or says_no_cache(cache_control))
    if wait_s and row.state in _UNDER_WAY:
        row = await _waited(row, wait_s, service)
    response.status_code = 202 if row.state in _UNDER_WAY else 200
    response.headers["Location"] = f"/v1/jobs/{row.id}"
    return await asyncio.to_thread(_answer, row, service)


def _answer(row: JobRow, service: Service) -> Job:
    """The job, and once more the secret of its webhook where the request is sent again."""
    job, webhook = whole_job(row, service), service.outgoing.webhooks.of_job(row.id)
    job.webhook = JobWebhook(id=webhook.id, secret=webhook.secret) if webhook else None
    return job


def says_no_cache(header: str | None) -> bool:
    """Whether a header Cache-Control asks for a fresh result."""
    words = {word.strip().lower() for word in (header or "").split(",")}
    return bool(words & {"no-cache", "no-store"})


def _wait_s(prefer: str | None, wait: float | None, service: Service) -> float:
    if wait is not None:
        return wait
    found = re.search(r"(?:^|[,;\s])wait=(\d{1,6})\b", prefer or "")
    return float(found[1]) if found else service.knobs.predict_wait_s


async def _waited(row: JobRow, wait_s: float, service: Service) -> JobRow:
    with suppress(TimeoutError):
        await asyncio.wait_for(service.tails.final_state(row.id), wait_s)
    return await asyncio.to_thread(service.store.get, row.id) or row
