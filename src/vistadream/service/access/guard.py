"""The outermost layer: a request id, the names that the service answers to, and who may change something.

A page of another site can make a browser send requests to a loopback address. It cannot choose the header Origin, and
when its own name is pointed at the loopback address (DNS rebinding), the header Host has that name.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vistadream.service.problems import LOG, ProblemError, problem_response

_OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(
        self, app: ASGIApp, allow_hosts: Sequence[str], allow_origins: Sequence[str], any_address: bool = False
    ):
        """`any_address`: of a service that other machines reach, Host may be any IP address: no name is rebound."""
        self._app, self._hosts, self._any_address = app, {*_OWN_NAMES, *map(str.lower, allow_hosts)}, any_address
        self._origins = {origin.rstrip("/").lower() for origin in allow_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        scope["request_id"] = request_id = asked if _ID.fullmatch(asked) else secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = False

        async def marked(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                started = True
                message["headers"] = [*message["headers"], *_headers(request_id)]
            await send(message)

        if error := self._refused(scope, headers):
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1008})
            return await problem_response(error, request_id)(scope, receive, marked)
        try:
            await self._app(scope, receive, marked)
        except Exception:
            LOG.exception("request %s failed", request_id)
            if started or scope["type"] == "websocket":
                raise
            error = ProblemError(500, "a fault of the service; its log has the request's id: please report it")
            await problem_response(error, request_id)(scope, receive, marked)

    def _refused(self, scope: Scope, headers: Headers) -> ProblemError | None:
        host = headers.get("host", "").lower()
        name = re.sub(r":\d+$", "", host)
        if name not in self._hosts and not (self._any_address and _is_address(name)):
            return ProblemError(421, f"the header Host is {host!r}; wanted one of {', '.join(sorted(self._hosts))}")
        changes = scope["type"] == "websocket" or scope["method"] in _CHANGING
        origin = headers.get("origin")
        if changes and origin is not None and not self._is_own(origin.lower(), host):
            return ProblemError(403, f"pages of {origin!r} may not change anything here; wanted a page of this service")
        if changes and origin is None and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return ProblemError(403, "a page of another site may not change anything here")
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        parts = urlsplit(origin)
        return origin in self._origins or (parts.scheme in ("http", "https") and parts.netloc == host)


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        return False


def _headers(request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
