"""From a request to a job in the queue. Whatever is wrong, nothing is left on disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fastapi import Request
from sqlalchemy import Connection

from vistadream.service.access.caller import Caller
from vistadream.service.intake.asked import Asked, asked_in
from vistadream.service.intake.form_parts import Form
from vistadream.service.intake.keyed import keyed
from vistadream.service.intake.multipart import read_form
from vistadream.service.intake.uploads import check_picture, upload_path
from vistadream.service.outgoing.picture import fetch_picture
from vistadream.service.problems import ProblemError, request_id_of
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.service.service import Service
from vistadream.workers.file_lock import try_lock

KIND = "single_img"


async def submitted(request: Request, service: Service, caller: Caller, key: str | None, fresh: bool = False) -> JobRow:
    """The new job of a request, or the one that the same Idempotency-Key made before. ProblemError on bad input.

    `fresh`: neither the result nor the run of another job is used.
    """
    service.refuse_while_closing()
    await asyncio.to_thread(service.refuse_without_room)
    if await asyncio.to_thread(service.store.by_idempotency_key, caller.owner, key) is None:
        await asyncio.to_thread(service.quota.check, caller.owner)
    job_id = new_id()
    draft = await asyncio.to_thread(service.data.new_draft, job_id)
    try:
        form = await read_form(request, upload_path(draft), _limit_bytes(service), service.knobs.body_idle_s)
        asked = asked_in(form)
        row = await _row(job_id, form, asked, service, caller, key)
        row = replace(row, request_id=request_id_of(request))
        if earlier := await asyncio.to_thread(_earlier, row, service):
            return earlier
        row = await _with_picture_by_url(row, draft, asked, service)
        row = row if fresh else (await keyed([row], service))[0]
        webhook = await _webhook(row, asked, service)
        service.refuse_while_closing()
        return await asyncio.to_thread(_taken, row, draft, service, webhook)
    finally:
        await asyncio.to_thread(service.data.drop_draft, job_id)


def _limit_bytes(service: Service) -> int:
    return round(service.knobs.max_upload_mb * 1e6)


async def _row(job_id: str, form: Form, asked: Asked, service: Service, caller: Caller, key: str | None) -> JobRow:
    """The checked row of the queue, but for a picture that is still to be fetched."""
    name = "" if form.file is None else await asyncio.to_thread(check_picture, form.file)
    return JobRow(
        id=job_id,
        kind=KIND,
        state="queued",
        words=tuple(await service.clerk.words(asked.knobs, KIND)),
        owner=caller.owner,
        priority=asked.priority,
        degrade=asked.degrade,
        disk_bytes=form.file.file_bytes if form.file else 0,
        digest=form.file.sha256 if form.file else "",
        input_name=name,
        created_s=time.time(),
        idempotency_key=key,
        body_digest=asked.digest,
    )


async def _with_picture_by_url(row: JobRow, draft: Path, asked: Asked, service: Service) -> JobRow:
    """The row with the picture of `image_url`, which is fetched into the draft."""
    if asked.image_url is None:
        return row
    target, within_s = upload_path(draft), service.knobs.outgoing.image_s
    picture = await fetch_picture(service.outgoing.http, asked.image_url, target, _limit_bytes(service), within_s)
    name = await asyncio.to_thread(check_picture, picture)
    return replace(row, digest=picture.sha256, input_name=name, disk_bytes=picture.file_bytes)


async def _webhook(row: JobRow, asked: Asked, service: Service) -> Callable[[Connection], None] | None:
    """Writes the endpoint of `webhook_url`, which is sent the end of this job; ProblemError 422 for a bad URL."""
    if asked.webhook_url is None:
        return None
    await service.outgoing.http.check(asked.webhook_url, service.knobs.outgoing.webhook_s)
    return service.outgoing.webhooks.for_job(row.owner, asked.webhook_url, row.id)


def _taken(row: JobRow, draft: Path, service: Service, further: Callable[[Connection], None] | None) -> JobRow:
    """Puts the job into the queue, once its input is safe on disk; ends it if its result is known."""
    with try_lock(draft / "lock"):  # no worker takes the job meanwhile
        taken = _added(row, service, further)
        if taken.id == row.id and service.delivery.at_once(taken, "cache"):
            return service.store.get(row.id) or taken
        return taken


def _added(row: JobRow, service: Service, further: Callable[[Connection], None] | None) -> JobRow:
    """The job in the queue, or the one of the same Idempotency-Key."""
    service.data.keep(row.id)
    try:
        with service.quota.room(row.owner):
            taken = service.store.add(row, further)
    except BaseException:
        service.data.discard(row.id)
        raise
    if taken.id == row.id:
        return taken
    service.data.discard(row.id)  # of two requests of one key at the same moment, the other one was faster
    return _earlier(row, service) or taken


def _earlier(row: JobRow, service: Service) -> JobRow | None:
    """The job of the same Idempotency-Key; ProblemError 409 when that was another request."""
    if row.idempotency_key is None:
        return None
    earlier = service.store.by_idempotency_key(row.owner, row.idempotency_key)
    if earlier and earlier.body_digest != row.body_digest:
        raise ProblemError(409, "this Idempotency-Key belongs to another request; wanted a new key for new content")
    return earlier
