"""The gallery: jobs and other runs, their pictures, and what people say about them."""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from pathlib import Path as Folder
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import ValidationError

from vistadream.runs.paths import RunPaths
from vistadream.service.access.caller import Asking
from vistadream.service.gallery.elsewhere import OtherRun
from vistadream.service.gallery.gallery import UNDO_S, Entry
from vistadream.service.gallery.models import Deleted, GalleryEntry, GalleryPage, GalleryRun, Said
from vistadream.service.gallery.shown import folder_of, has_before, shown, thumbnail_file
from vistadream.service.intake.json_text import body_object
from vistadream.service.models import CURSOR, ID, Result, State
from vistadream.service.photo_camera import limits_of, start_settings
from vistadream.service.problems import ProblemError, documented
from vistadream.service.queue.listed import time_of
from vistadream.service.queue.task_words import task_words
from vistadream.service.results import results_of
from vistadream.service.routes.results import WHOLE, answered
from vistadream.service.service import Here

router = APIRouter(tags=["gallery"], prefix="/gallery")
_BODY = {"requestBody": {"content": {"application/json": {"schema": Said.model_json_schema()}}}}
_EXAMPLE = '{"name": "kitchen", "tags": ["home"], "star": true}'
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The picture is the one of If-None-Match."},
}
EntryId = Annotated[str, Path(description="As in the gallery.", max_length=64, examples=[ID])]


def entry_of(entry_id: EntryId, service: Here, caller: Asking) -> Entry:
    """The entry that a path names; ProblemError 404 when the caller has none of that id."""
    return service.gallery.get(caller.owner, entry_id)


Named = Annotated[Entry, Depends(entry_of)]


@router.get("", operation_id="list_gallery", responses=documented(422))
def list_gallery(
    service: Here,
    caller: Asking,
    q: Annotated[str | None, Query(max_length=200, description="A part of a name, tag, knob, prompt or date.")] = None,
    state: Annotated[State | Literal["unknown"] | None, Query(description="Only runs in this state.")] = None,
    cursor: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> GalleryPage:
    """The jobs of the caller, and for the one user of the service the runs in the folders of `gallery=`."""
    service.gallery.sweep()
    found = service.gallery.page(caller.owner, q, state, cursor, limit + 1)
    entries = [GalleryEntry(**shown(entry, service)) for entry in found[:limit]]
    return GalleryPage(entries=entries, next=found[limit - 1].id if len(found) > limit else None)


@router.get("/{entry_id}", operation_id="get_gallery_entry", responses=documented(404, 422))
def get_entry(entry: Named, service: Here) -> GalleryRun:
    """One run with its files."""
    files = results_of(entry.id, RunPaths(folder_of(entry, service)), _base(entry, service))
    return GalleryRun(**shown(entry, service), results=[Result(**each.public()) for each in files.values()])


@router.patch(
    "/{entry_id}", operation_id="change_gallery_entry", responses=documented(403, 404, 413, 422), openapi_extra=_BODY
)
async def change_entry(request: Request, entry: Named, service: Here, caller: Asking) -> GalleryEntry:
    """Gives a run a name, tags or a star. The run itself stays as it is."""
    asked = await body_object(request, _EXAMPLE)
    try:
        said = Said(**asked).model_dump(exclude_unset=True)
    except (TypeError, ValidationError) as error:
        raise ProblemError(422, f"the body is not what it has to be; wanted some of {_EXAMPLE}") from error
    values = {name: value for name, value in said.items() if name == "name" or value is not None}
    if values:
        mark = await to_thread(service.gallery.marks.change, caller.owner, entry.id, **values)
        entry = Entry(entry.run, mark)
    return GalleryEntry(**await to_thread(shown, entry, service))


@router.delete(
    "/{entry_id}", operation_id="delete_gallery_entry", status_code=202, responses=documented(403, 404, 409, 422)
)
async def delete_entry(entry: Named, service: Here, caller: Asking) -> Deleted:
    """Has a job be removed with its input and results in 10 seconds, unless that is undone by restore."""
    until_s = await to_thread(service.gallery.delete, caller.owner, entry)
    asyncio.get_running_loop().call_later(UNDO_S + 0.1, _sweep, service)
    return Deleted(id=entry.id, undo_until=time_of(until_s))


@router.post("/{entry_id}/restore", operation_id="restore_gallery_entry", responses=documented(403, 404, 422))
def restore_entry(entry: Named, service: Here, caller: Asking) -> GalleryEntry:
    """Undoes a deletion whose time is not over."""
    mark = service.gallery.marks.change(caller.owner, entry.id, deleted_s=None)
    return GalleryEntry(**shown(Entry(entry.run, mark), service))


@router.get(
    "/{entry_id}/thumbnail",
    operation_id="get_thumbnail",
    response_class=FileResponse,
    response_model=None,
    responses=_JPEG | documented(404, 422, 503),
)
async def get_thumbnail(entry: Named, service: Here, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """The newest scene of a run at the photo's place, 320 pixels wide or high: made once, and kept by the service."""
    folder = await to_thread(folder_of, entry, service)
    stage = await to_thread(_last_stage, folder)
    target = await to_thread(thumbnail_file, entry, stage, service)
    etag = f'"{target.stem}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if if_none_match and etag in map(str.strip, if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    if not target.is_file():
        await to_thread(service.data.drop_thumbnails, entry.id)
        await service.painter.thumbnail(folder, stage, target)
    return FileResponse(target, media_type="image/jpeg", headers=headers)


@router.get("/{entry_id}/viewer_settings", operation_id="get_viewer_settings", responses=documented(404, 422, 503))
async def get_viewer_settings(
    entry: Named,
    service: Here,
    flight: Annotated[bool, Query(description="With the flight of a job, for which its scene is read.")] = True,
) -> dict[str, Any]:
    """The settings of SuperSplat's viewer: the photo's place and field of view, and of a job the flight.

    `limits` says how far the camera may go before the scene shows holes; it is null until a run has measured that.
    """
    run = entry.run.folder if isinstance(entry.run, OtherRun) else service.data.run(entry.id)
    settings = await (_with_flight(entry, run, service) if flight else to_thread(start_settings, RunPaths(run)))
    limits = await to_thread(limits_of, RunPaths(run), settings) if entry.run.state == "done" else None
    return settings | {"limits": limits}


async def _with_flight(entry: Entry, run: Folder, service: Here) -> dict[str, Any]:
    words = None if isinstance(entry.run, OtherRun) else task_words(entry.run, service.data.input(entry.id))
    kind = "single_img" if isinstance(entry.run, OtherRun) else entry.run.kind
    return await service.painter.viewer_settings(run, await to_thread(_last_stage, run), words, kind)


@router.get(
    "/{entry_id}/results/{name:path}",
    operation_id="get_gallery_result",
    response_class=FileResponse,
    response_model=None,
    responses={status: about for status, about in WHOLE.items() if status != 202} | documented(404, 416, 422),
)
async def get_entry_result(
    entry: Named,
    service: Here,
    name: Annotated[str, Path(description="As in the list of results.", examples=["gaussians.ply"])],
    if_none_match: Annotated[str | None, Header()] = None,
    range: Annotated[str | None, Header(examples=["bytes=0-1023"])] = None,
) -> Response:
    """A file of a run, whole or in ranges, with the same rules as a result of a job."""
    files = await to_thread(results_of, entry.id, RunPaths(folder_of(entry, service)), _base(entry, service))
    if name not in files:
        raise ProblemError(404, f"{name[:64]!r} is not a result of this run; wanted a name of its list of results")
    return await to_thread(answered, files[name], entry.name, entry.id, range, if_none_match)


def _base(entry: Entry, service: Here) -> str:
    is_elsewhere = isinstance(entry.run, OtherRun) or has_before(entry.run, service)
    return f"/v1/{'gallery' if is_elsewhere else 'jobs'}/{entry.id}"


def _last_stage(folder: Folder) -> str:
    """The last finished stage of a run folder; ProblemError 404 before there is one."""
    if not (stages := RunPaths(folder).finished_stages()):
        raise ProblemError(404, "this run has no finished stage; wanted one that has made a scene")
    return stages[-1]


def _sweep(service: Here) -> None:
    asyncio.get_running_loop().run_in_executor(None, service.gallery.sweep)
