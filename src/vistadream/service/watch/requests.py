"""The outermost layer of the application: one line of the log and the figures of each request."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vistadream.service.watch.metrics import Metrics

_log = logging.getLogger("vistadream.service.access")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass
class _Answer:
    """What was sent."""

    status: int = 0
    """0: the client left before the answer began."""
    bytes: int = 0

    def note(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self.status = message["status"]
            case "http.response.body":
                self.bytes += len(message.get("body", b""))
            case "websocket.accept":
                self.status = 101
            case "websocket.close" if not self.status:
                self.status = 403  # as the server answers a socket that was not accepted
            case "websocket.send":
                self.bytes += len(message.get("bytes") or message.get("text") or "")


class Watched:
    """ASGI middleware around the whole application. Of an address it keeps the template of the route alone."""

    def __init__(self, app: ASGIApp, metrics: Metrics, prefix: str):
        """`prefix`: of the paths of routes, which the templates of some lack."""
        self._app, self._metrics, self._prefix = app, metrics, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        answer, began_s = _Answer(), time.perf_counter()

        async def noted(message: Message) -> None:
            answer.note(message)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._say(scope, answer, time.perf_counter() - began_s)

    def _say(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        route, method = self._template(scope), scope.get("method", "WEBSOCKET")
        method = method if method in (*_METHODS, "WEBSOCKET") else "other"
        self._metrics.request(route, method, answer.status, seconds)
        about = {
            "route": route,
            "method": method,
            "status": answer.status,
            "duration_ms": round(seconds * 1000, 1),
            "bytes": answer.bytes,
            "owner": scope.get("owner"),
            "request_id": scope.get("request_id"),
        }
        _log.info("request", extra=about)

    def _template(self, scope: Scope) -> str:
        """Such as /v1/jobs/{job_id}; other for an address that is not a route, or for a refused request."""
        if (route := scope.get("route")) is None:
            return "other"
        is_below = scope["path"].startswith(f"{self._prefix}/")
        return f"{self._prefix if is_below else ''}{route.path_format.removeprefix(self._prefix)}"
