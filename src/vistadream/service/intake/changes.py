"""What a request to go on with a job changes: knobs, and cameras, which become the file of the camera path."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request

from vistadream.service.intake.cameras import LONGEST_BYTES, camera_file
from vistadream.service.intake.json_text import body_object
from vistadream.service.problems import ProblemError
from vistadream.service.queue.tables import JobRow
from vistadream.service.service import Service

_EXAMPLE = '{"knobs": {"stages.refine.steps": 400}}'


@asynccontextmanager
async def changed_words(
    request: Request, row: JobRow, service: Service, stays: bool = True
) -> AsyncIterator[list[str]]:
    """The checked words of a job with the changes of a request; ProblemError for bad ones.

    The file of its cameras is removed when the block fails, and after it unless it `stays`.
    """
    knobs, cameras = _knobs_and_cameras(await body_object(request, _EXAMPLE, LONGEST_BYTES))
    async with camera_file(cameras, row.id, service.data, stays) as file:
        checked = (file, service.data.run(row.id)) if file else None
        yield await service.clerk.words(knobs, row.kind, before=row.words, cameras=checked)


def _knobs_and_cameras(asked: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The fields of a body."""
    if odd := [name for name in asked if name not in ("knobs", "cameras")]:
        raise ProblemError(422, f"{odd[0][:64]!r} is not a field of this request; wanted knobs or cameras")
    knobs = asked.get("knobs", {})
    if not isinstance(knobs, dict):
        raise ProblemError(422, 'knobs is not an object; wanted one such as {"stages.refine.steps": 400}')
    return knobs, asked.get("cameras")
