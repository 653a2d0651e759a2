"""From a request to a batch of jobs: all of them or none. Whatever is wrong, nothing is left on disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count
from pathlib import Path, PurePosixPath

from fastapi import Request

from vistadream.formats.zip_archive import is_zip
from vistadream.service.access.caller import Caller
from vistadream.service.batches.batches import Batches
from vistadream.service.batches.tables import BatchRow
from vistadream.service.batches.unpack import unpack
from vistadream.service.batches.zip_check import opened
from vistadream.service.intake.asked import Asked, asked_in
from vistadream.service.intake.form_parts import Form, Upload
from vistadream.service.intake.keyed import keyed
from vistadream.service.intake.multipart import read_form
from vistadream.service.intake.submission import KIND
from vistadream.service.intake.uploads import check_picture, upload_path
from vistadream.service.problems import ProblemError, request_id_of
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.service.service import Service
from vistadream.workers.file_lock import try_lock

PARTS = ("knobs", "priority", "degrade")
_SHOWN = 5
"""How many wrong files are named."""


@dataclass(frozen=True)
class _Picture:
    """A picture in the draft of its job."""

    job_id: str
    name: str
    sha256: str
    bytes: int


async def submitted(request: Request, service: Service, caller: Caller, key: str | None, fresh: bool) -> BatchRow:
    """The new batch of a request, or the one that the same Idempotency-Key made before. ProblemError on bad input."""
    service.refuse_while_closing()
    await asyncio.to_thread(service.refuse_without_room)
    batches = Batches(service.store.database)
    if await asyncio.to_thread(batches.by_idempotency_key, caller.owner, key) is None:
        await asyncio.to_thread(service.quota.check, caller.owner)
    batch_id, knobs = new_id(), service.knobs.batches
    draft = await asyncio.to_thread(service.data.new_draft, batch_id)
    drafts = [batch_id]
    try:
        limit_bytes = round(knobs.max_upload_mb * 1e6)
        form = await read_form(request, upload_path(draft), limit_bytes, service.knobs.body_idle_s, knobs.max_files)
        if not form.files:
            raise ProblemError(422, "there are no pictures; wanted each in a part file, or one zip of them")
        asked = asked_in(form, PARTS)
        row = BatchRow(batch_id, caller.owner, time.time(), key, asked.digest)
        if earlier := await asyncio.to_thread(_earlier, row, batches):
            return earlier
        words = tuple(await service.clerk.words(asked.knobs, KIND))
        pictures = await asyncio.to_thread(_pictures, form, service, drafts)
        rows = [_job(picture, asked, words, caller, request_id_of(request)) for picture in pictures]
        rows = rows if fresh else await keyed(rows, service)
        service.refuse_while_closing()
        return await asyncio.to_thread(_taken, row, rows, batches, service)
    finally:
        for each in drafts:
            await asyncio.to_thread(service.data.drop_draft, each)


def _job(picture: _Picture, asked: Asked, words: tuple[str, ...], caller: Caller, request_id: str) -> JobRow:
    return JobRow(
        id=picture.job_id,
        kind=KIND,
        words=words,
        owner=caller.owner,
        priority=asked.priority,
        degrade=asked.degrade,
        disk_bytes=picture.bytes,
        digest=picture.sha256,
        input_name=picture.name,
        created_s=time.time(),
        request_id=request_id,
    )


def _pictures(form: Form, service: Service, drafts: list[str]) -> list[_Picture]:
    """The pictures, each in the draft of a job, whose name is added to `drafts`. ProblemError 422 names bad ones."""
    found, wrong = [], []
    with _sources(form, service) as sources:
        ids = sorted(new_id() for _ in sources)  # in the order of the pictures, also within one millisecond
        for job_id, write in zip(ids, sources, strict=True):
            drafts.append(job_id)
            upload = write(upload_path(service.data.new_draft(job_id)))
            try:
                found.append(_Picture(job_id, check_picture(upload), upload.sha256, upload.file_bytes))
            except ProblemError as error:
                wrong.append(error.detail.partition(";")[0])
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        counted = f"{len(wrong)} of {len(ids)} files cannot be used"
        raise ProblemError(422, f"{counted}: {'; '.join(wrong[:_SHOWN])}{more}; wanted pictures alone")
    return found


@contextmanager
def _sources(form: Form, service: Service) -> Iterator[list[Callable[[Path], Upload]]]:
    """For each picture what writes it to a path: from one zip, or from the files of the request."""
    if len(form.files) > 1 or not is_zip(form.files[0].path):
        yield [partial(_moved, file) for file in form.files]
        return
    with opened(form.files[0].path, service.knobs.batches) as (archive, infos):
        if not infos:
            raise ProblemError(422, "the zip is empty; wanted pictures in it")
        service.refuse_without_room(sum(info.file_size for info in infos))
        yield [partial(unpack, archive, info) for info in infos]


def _moved(upload: Upload, target: Path) -> Upload:
    upload.path.rename(target)
    return replace(upload, path=target)


def _taken(row: BatchRow, rows: Sequence[JobRow], batches: Batches, service: Service) -> BatchRow:
    """Puts all jobs into the queue, once the pictures are safe on disk; ends those whose results are known."""
    kept: list[str] = []
    try:
        for job in rows:
            service.data.keep(job.id)
            kept.append(job.id)
        with service.quota.room(row.owner, len(rows)):
            added = batches.add(row, rows, folders_of([job.input_name for job in rows]))
    except BaseException:
        _discard(kept, service)
        raise
    if not added:  # of two requests of one key at the same moment, the other one was faster
        _discard(kept, service)
        return _earlier(row, batches) or row
    for job in rows:
        if job.result_key and (lock := try_lock(service.data.job(job.id) / "lock")):
            with lock:
                service.delivery.at_once(job, "cache")
    return row


def _discard(kept: Sequence[str], service: Service) -> None:
    for job_id in kept:
        service.data.discard(job_id)


def _earlier(row: BatchRow, batches: Batches) -> BatchRow | None:
    """The batch of the same Idempotency-Key; ProblemError 409 when that was another request."""
    earlier = batches.by_idempotency_key(row.owner, row.idempotency_key)
    if earlier and earlier.body_digest != row.body_digest:
        raise ProblemError(409, "this Idempotency-Key belongs to another request; wanted a new key for new content")
    return earlier


def folders_of(names: Sequence[str]) -> list[str]:
    """For each file a name without its suffix, with a number where an earlier one is the same but for upper case."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = PurePosixPath(name).stem
        tries = chain([stem], (f"{stem}-{n}" for n in count(2)))
        found.append(next(each for each in tries if each.lower() not in taken))
        taken.add(found[-1].lower())
    return found
