"""Results that are made when somebody asks for them: by a worker, once, from the finished scene."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from vistadream.exporters.made_later import MADE_LATER
from vistadream.service.problems import ProblemError
from vistadream.service.queue.export_table import ExportRow
from vistadream.service.queue.exports import Exports
from vistadream.service.queue.tables import JobRow
from vistadream.service.service import Service

_LOOK_S = 0.2
_AGAIN_AFTER_S = 60.0
"""A result that could not be made is tried again for a request that comes this much later."""


def can_be_made(row: JobRow, there: Collection[str]) -> list[str]:
    """The names of what can be made of a job in addition to the results that are there."""
    return [name for name in MADE_LATER if name not in there] if row.state == "done" else []


async def made(row: JobRow, name: str, service: Service, listed_s: float, wait_s: float) -> ExportRow:
    """Has a worker make a result that was not there at `listed_s`, and waits so long for it.

    ProblemError 409 where it could not be made, 404 where the job is deleted meanwhile.
    """
    service.refuse_while_closing()
    await asyncio.to_thread(service.refuse_without_room)
    await asyncio.to_thread(service.quota.check, row.owner, 0)
    exports, ends_s = Exports(service.store.database), time.monotonic() + wait_s
    asked = await asyncio.to_thread(exports.ask, row, name, listed_s, listed_s - _AGAIN_AFTER_S)
    while asked and not asked.ended and time.monotonic() < ends_s and not service.closing.is_set():
        await asyncio.sleep(_LOOK_S)
        asked = await asyncio.to_thread(exports.get, row.id, name)
    if asked is None:
        raise ProblemError(404, "the job has been deleted; wanted one that is there")
    if asked.state == "failed":
        headers = {"Retry-After": f"{_AGAIN_AFTER_S:.0f}"}
        raise ProblemError(409, f"{name} could not be made: {asked.error}", headers=headers)
    return asked
