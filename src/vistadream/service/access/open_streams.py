"""Streams of events stay open for hours, so whether their caller may still read is looked at again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vistadream.service.access.caller import Caller

LOOK_S = 2.0
"""The time from one look to the next."""
_STREAMS = ("events", "ws")
_POLICY_VIOLATION = 1008


def is_stream(path: str) -> bool:
    """Whether an answer at this path has no end of its own."""
    return path.rpartition("/")[2] in _STREAMS


class OpenStream:
    """A stream that ends soon after its caller's key. Nothing in it has to know of keys."""

    def __init__(self, app: ASGIApp, still_lets_in: Callable[[Caller], Awaitable[bool]], look_s: float = LOOK_S):
        self._app, self._still_lets_in, self._look_s = app, still_lets_in, look_s
        self._is_open = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            begins = message["type"] in ("http.response.start", "websocket.accept")
            self._is_open = begins or message.get("more_body", message["type"] == "websocket.send")
            await send(message)

        stream = asyncio.ensure_future(self._app(scope, receive, noted))
        try:
            while not (await asyncio.wait({stream}, timeout=self._look_s))[0]:
                if not await self._still_lets_in(scope["caller"]):
                    return await self._end(stream, scope, send)
            stream.result()
        finally:
            stream.cancel()

    async def _end(self, stream: asyncio.Future, scope: Scope, send: Send) -> None:
        """Ends the stream in the middle, and the answer in order; asked for again, it is refused with the reason."""
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)
        if self._is_open and scope["type"] == "http":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif self._is_open:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "the key has ended"})
