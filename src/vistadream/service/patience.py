"""Connections on which nothing is asked are closed: a request that comes a letter a minute holds none open."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class PatientProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with a limit on the time that the head of a request takes."""

    def __init__(self, *, head_s: float, **further: Any):
        """`head_s`: from the start of a connection, or the end of an answer, to the end of the head of a request."""
        super().__init__(**further)
        self._head_s = head_s

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called once a client has connected."""
        super().connection_made(transport)
        self._expect_head()

    def on_response_complete(self) -> None:
        """Called after each answer."""
        self._expect_head()
        super().on_response_complete()

    def _expect_head(self) -> None:
        self.loop.call_later(self._head_s, self._close_unless_asked, self.cycle)

    def _close_unless_asked(self, before: object) -> None:
        """Closes the connection unless a request has begun since, or a WebSocket has taken it over."""
        if self.cycle is before and self.transport.get_protocol() is self and not self.transport.is_closing():
            self.transport.close()
