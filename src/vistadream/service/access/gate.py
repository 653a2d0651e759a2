"""The layer that lets requests in: who asks, whether the route's scope is there, and how many a minute are answered."""

from __future__ import annotations

from fastapi.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vistadream.service.access.entry import Entry, address_of
from vistadream.service.access.open_streams import OpenStream, is_stream
from vistadream.service.access.scopes import READING, Need, need_of
from vistadream.service.problems import ProblemError, not_a_route, problem_response


class Gate:
    """ASGI middleware inside of the guard. A request is refused before anything of its body is read."""

    def __init__(self, app: ASGIApp, entry: Entry):
        self._app, self._entry = app, entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        try:
            headers = await self._let_in(scope)
        except ProblemError as error:
            return await problem_response(error, scope["request_id"])(scope, receive, send)
        added = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

        async def with_rates(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        app = OpenStream(self._app, self._entry.still_lets_in) if is_stream(scope["path"]) else self._app
        await app(scope, receive, with_rates)

    async def _let_in(self, scope: Scope) -> dict[str, str]:
        """The headers about rates; ProblemError for a request that is not let in."""
        connection = HTTPConnection(scope)
        need = need_of(scope.get("method", "GET"), scope["path"])
        if need is not None and need.scope is None:
            return await self._entry.rates.count(need.kind, address_of(connection))
        only_reads = scope["type"] == "http" and scope["method"] in READING
        scope["caller"] = caller = await self._entry.caller(connection, only_reads)
        scope["owner"] = caller.owner  # for the log
        if need is None:
            raise not_a_route(scope["path"])
        if need.scope not in caller.scopes:
            raise _lacking(need)
        return await self._entry.rates.count(need.kind, caller.name)


def _lacking(need: Need) -> ProblemError:
    headers = {"WWW-Authenticate": f'Bearer realm="vistadream", error="insufficient_scope", scope="{need.scope}"'}
    detail = f"this key does not have the scope {need.scope}; wanted one that has: vistadream keys add scopes=[...]"
    return ProblemError(403, detail, headers=headers)
