"""Sessions of browsers: a key or token is given once, for a cookie that no script can read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from vistadream.service import models
from vistadream.service.access.caller import Caller
from vistadream.service.access.credentials import address_of, session_text
from vistadream.service.access.entry import Entry
from vistadream.service.access.sessions import LIVES_S, cookie_name
from vistadream.service.intake.json_text import body_object
from vistadream.service.problems import ProblemError, documented
from vistadream.service.service import Here

router = APIRouter(tags=["access"])
_EXAMPLE = '{"key": "vd_ID_SECRET"}'
_LONGEST_BYTES = 16_384
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": models.SignIn.model_json_schema()}},
    }
}


@router.post(
    "/session",
    operation_id="sign_in",
    responses=documented(401, 403, 413, 415, 422),
    openapi_extra=_BODY,
)
async def open_session(request: Request, response: Response, service: Here) -> models.Session:
    """Opens a session by an API key or a token. Its cookie lets in to all that the key lets in to, for as long."""
    asked = await body_object(request, _EXAMPLE, _LONGEST_BYTES)
    try:
        key = models.SignIn(**asked).key
    except (TypeError, ValidationError) as error:
        raise ProblemError(422, f"the body is not what it has to be; wanted {_EXAMPLE}") from error
    caller = await sign_in(key, request, response, service.entry)
    ends = datetime.fromtimestamp(caller.ends_s, UTC).isoformat() if caller.ends_s else None
    return models.Session(owner=caller.owner, scopes=sorted(caller.scopes), ends=ends)


@router.delete("/session", operation_id="sign_out", status_code=204, responses=documented(403))
async def close_session(request: Request, service: Here) -> Response:
    """Ends the session of the cookie, if there is one, and takes the cookie back."""
    await asyncio.to_thread(service.entry.sessions.close, session_text(request))
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request.headers.get("host", "")), httponly=True, samesite="strict")
    return response


async def sign_in(key: str, request: Request, response: Response, entry: Entry) -> Caller:
    """Gives a response the cookie of a new session of whom a key names; ProblemError 401 for one that is not valid."""
    caller = await entry.by_text(key.strip(), address_of(request))
    text = await asyncio.to_thread(entry.sessions.open, caller)
    response.set_cookie(
        cookie_name(request.headers.get("host", "")),
        text,
        max_age=LIVES_S,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return caller
