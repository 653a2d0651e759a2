"""From a request to a job in the queue. Whatever is wrong, nothing is left on disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import Request

from vistadream.service.access.caller import Caller
from vistadream.service.intake.form_parts import Form
from vistadream.service.intake.json_text import json_object
from vistadream.service.intake.multipart import read_form
from vistadream.service.intake.uploads import check_picture, upload_path
from vistadream.service.problems import ProblemError, request_id_of
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.service.service import Service

KIND = "single_img"
_PARTS = ("knobs", "priority")
_HIGHEST = 100


async def submitted(request: Request, service: Service, caller: Caller, key: str | None) -> JobRow:
    """The new job of a request, or the one that the same Idempotency-Key made before. ProblemError on bad input."""
    service.refuse_while_closing()
    await asyncio.to_thread(service.refuse_without_room)
    job_id = new_id()
    draft = await asyncio.to_thread(service.data.new_draft, job_id)
    try:
        limit_bytes = round(service.knobs.max_upload_mb * 1e6)
        form = await read_form(request, upload_path(draft), limit_bytes, service.knobs.body_idle_s)
        row = await _row(job_id, draft, form, service, caller, key)
        row = replace(row, request_id=request_id_of(request))
        service.refuse_while_closing()
        return await asyncio.to_thread(_taken, row, service)
    finally:
        await asyncio.to_thread(service.data.drop_draft, job_id)


async def _row(job_id: str, draft: Path, form: Form, service: Service, caller: Caller, key: str | None) -> JobRow:
    """The checked row of the queue."""
    if odd := [name for name in form.texts if name not in _PARTS]:
        raise ProblemError(422, f"{odd[0][:64]!r} is not a part of this request; wanted file, knobs and priority")
    knobs = json_object(form.texts.get("knobs") or "{}", "the part knobs")
    priority = _priority(form.texts.get("priority", "0"))
    name = await asyncio.to_thread(_input_name, draft, form, knobs)
    content = json.dumps([form.sha256, name, knobs, priority], sort_keys=True)
    return JobRow(
        id=job_id,
        kind=KIND,
        state="queued",
        words=tuple(await service.clerk.words(knobs, KIND)),
        owner=caller.owner,
        priority=priority,
        digest=form.sha256 if name else "",
        input_name=name,
        created_s=time.time(),
        idempotency_key=key,
        body_digest=hashlib.sha256(content.encode()).hexdigest(),
    )


def _input_name(draft: Path, form: Form, knobs: dict[str, Any]) -> str:
    """The name of the checked picture; "" for a job from words."""
    prompt = knobs.get("prompt")
    if form.file_name is None and prompt is None:
        raise ProblemError(422, "there is no picture; wanted one in the part file, or a prompt in knobs")
    if form.file_name is not None and prompt is not None:
        raise ProblemError(422, "a picture and a prompt are both given; wanted one of them", "prompt")
    return "" if form.file_name is None else check_picture(draft, form)


def _priority(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,3}", text, re.ASCII) or abs(int(text)) > _HIGHEST:
        raise ProblemError(422, f"priority is {text[:64]!r}; wanted a whole number from -{_HIGHEST} to {_HIGHEST}")
    return int(text)


def _taken(row: JobRow, service: Service) -> JobRow:
    """Puts the job into the queue, once its input is safe on disk."""
    if earlier := _earlier(row, service):
        return earlier
    service.data.keep(row.id)
    try:
        taken = service.store.add(row)
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
