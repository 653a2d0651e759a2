"""The page for browsers: its files, and the first question that it asks. All else it does by the other routes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fastapi import APIRouter, Request, Response

from vistadream.formats.picture_head import MOST_PIXELS
from vistadream.formats.viewer_limits import LIMITER
from vistadream.service.models import PageFacts, UploadLimits
from vistadream.service.problems import ProblemError, documented, not_a_route
from vistadream.service.routes.session import sign_in
from vistadream.service.service import Here
from vistadream.service.site.files import LIB, PAGE, PageFile, page_file
from vistadream.service.site.policy import page_policy
from vistadream.service.site.viewer import DOWNLOAD, is_complete
from vistadream.version import __version__

router = APIRouter(tags=["service"])
files_router = APIRouter(include_in_schema=False)
"""Of files for browsers, which are no part of the API."""


@router.get("/page", operation_id="get_page", responses=documented())
async def get_page(request: Request, service: Here) -> PageFacts:
    """What the page has to know before anything else, and who asks, by the cookie of a session or a key."""
    try:
        caller = await service.entry.caller(request, only_reads=True)
    except ProblemError as error:
        if error.status != 401:
            raise
        caller = None
    return PageFacts(
        version=__version__,
        viewer=is_complete(LIB),
        missing_command=DOWNLOAD,
        single_user=await service.entry.has_one_user(),
        needs_key=await service.entry.needs_key(lately=True),
        signed_in=caller is not None,
        owner=caller.owner if caller else None,
        scopes=sorted(caller.scopes) if caller else [],
        limits=_limits(service),
    )


def _limits(service: Here) -> UploadLimits:
    """What a photo is checked by before it is sent."""
    knobs = service.knobs
    return UploadLimits(
        request_bytes=round(knobs.max_upload_mb * 1e6),
        batch_bytes=round(knobs.batches.max_upload_mb * 1e6),
        batch_files=knobs.batches.max_files,
        pixels=MOST_PIXELS,
    )


@files_router.get("/")
async def index(request: Request, service: Here, key: str | None = None) -> Response:
    """The page. With a key, as `vistadream app` prints it: a session, and then an address without it."""
    if key is None:
        return _sent(page_file(PAGE, "index.html"), request, service.knobs.allow_origins)
    response = Response(status_code=303, headers={"Location": "./", "Cache-Control": "no-store"})
    with suppress(ProblemError):  # the page says that it needs a key
        await sign_in(key, request, response, service.entry)
    return response


@files_router.get("/page/{name:path}")
def of_the_page(name: str, request: Request, service: Here) -> Response:
    """A file of the page, or the one that it shares with the exported page."""
    return _answer(LIMITER.parent if name == LIMITER.name else PAGE, name, request, service)


@files_router.get("/lib/{name:path}")
def of_the_viewer(name: str, request: Request, service: Here) -> Response:
    """A file of the viewer."""
    return _answer(LIB, name, request, service)


def _answer(folder: Path, name: str, request: Request, service: Here) -> Response:
    if (file := page_file(folder, name)) is None:
        raise not_a_route(request.url.path)
    return _sent(file, request, service.knobs.allow_origins)


def _sent(file: PageFile, request: Request, may_frame: list[str]) -> Response:
    """The file, packed for whom can unpack it, or the answer that the browser has it already."""
    packed = file.packed if "gzip" in request.headers.get("accept-encoding", "") else None
    etag = f'"{file.digest}{"-gz" if packed else ""}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if file.media_type.startswith("text/html"):
        headers["Content-Security-Policy"] = page_policy(file.content, may_frame)
    if etag in map(str.strip, request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(packed or file.content, media_type=file.media_type, headers=headers)
