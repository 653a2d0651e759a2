"""Errors as RFC 9457 says: application/problem+json, with the sentence of the command line and the request's id."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

MEDIA_TYPE = "application/problem+json"
LOG = logging.getLogger("vistadream.service")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    """The phrase of the status."""
    status: int
    detail: str
    """One sentence: what was wrong, and what was wanted."""
    request_id: str
    """As in the header X-Request-ID."""
    knob: str | None = None
    """The knob that the sentence is about."""


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, status: int, detail: str, knob: str | None = None, headers: Mapping[str, str] | None = None):
        super().__init__(detail)
        self.status, self.detail, self.knob, self.headers = status, detail, knob, dict(headers or {})


def not_a_route(path: str) -> ProblemError:
    """The problem of a path that leads to nothing."""
    return ProblemError(404, f"{path[:200]} is not a route of this service; wanted one of /openapi.json")


def problem_response(error: ProblemError, request_id: str) -> JSONResponse:
    """The answer that describes an error."""
    title = HTTPStatus(error.status).phrase
    body = Problem(title=title, status=error.status, detail=error.detail, request_id=request_id, knob=error.knob)
    content = body.model_dump(exclude_none=True)
    return JSONResponse(content, error.status, headers=error.headers, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: these statuses as problems, and those that every operation can answer."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({400, 421, 500, *statuses})
    }


def answer_with_problems(app: FastAPI, routers: Sequence[APIRouter], prefix: str) -> None:
    """Every error of the application, whose routers are below `prefix`, and of the framework becomes a problem."""

    @app.exception_handler(ProblemError)
    async def _own(request: Request, error: ProblemError) -> JSONResponse:
        return problem_response(error, request_id_of(request))

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return problem_response(ProblemError(422, f"{where}: {first['msg']}"), request_id_of(request))

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> JSONResponse:
        detail = not_a_route(request.url.path).detail
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = _allowed(routers, request, prefix)
            detail = f"{request.method} is not possible here; wanted {headers['Allow']}"
        elif error.status_code != 404:
            detail = str(error.detail)
        return problem_response(ProblemError(error.status_code, detail, headers=headers), request_id_of(request))


def _allowed(routers: Sequence[APIRouter], request: Request, prefix: str) -> str:
    """The methods of all operations at the path of a request."""
    path = request.url.path.removeprefix(prefix)
    scope = {"type": "http", "method": request.method, "path": path}
    matching = [route for router in routers for route in router.routes if route.matches(scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in matching for method in getattr(route, "methods", None) or ()}))


def request_id_of(request: Request) -> str:
    return request.scope.get("request_id", "")
