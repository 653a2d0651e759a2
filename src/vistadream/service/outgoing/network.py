"""Connections of the service to other machines: only to addresses that were checked, by those very addresses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpcore
from httpcore import AsyncNetworkBackend, AsyncNetworkStream

from vistadream.service.outgoing.addresses import is_public
from vistadream.service.outgoing.knobs import OutgoingKnobs
from vistadream.service.problems import ProblemError

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host's name."""
_RESOLVERS = 4
"""Names that are looked up at the same time. A slow answer keeps a thread, which no other work of the service needs."""
_TRIED = 4
"""Of the addresses of a name."""


def addresses_of(host: str, port: int) -> Sequence[str]:
    """As the system knows them. OSError or UnicodeError for a name that does not exist."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


class GuardedNetwork(AsyncNetworkBackend):
    """Connects to a name only if every address of it is public, or the knobs name it.

    The name is looked up once for each connection, and the connection goes to an address of that answer: a name that
    leads elsewhere a moment later (DNS rebinding) changes nothing. What TLS checks is still the name.
    """

    def __init__(self, knobs: OutgoingKnobs, resolve: Resolve = addresses_of, inner: AsyncNetworkBackend | None = None):
        """`inner` connects to addresses."""
        self._knobs, self._resolve = knobs, resolve
        self._inner = inner or httpcore.AnyIOBackend()
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")

    async def checked(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host; ProblemError 422 unless each may be connected to."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._resolve, host, port)
        except (OSError, UnicodeError):
            found = []
        if not found or not (self._knobs.is_named(host, port) or all(map(is_public, found))):
            raise ProblemError(
                422,
                f"{host} has no address, or one that is not public; wanted a host on the internet, or one that the "
                "service's knob outgoing.allow_hosts names",
            )
        return found

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """A connection to the first address that answers. ProblemError 422 as `checked`."""
        failed: Exception = httpcore.ConnectError()
        for address in (await self.checked(host, port))[:_TRIED]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(self, *_: object, **__: object) -> AsyncNetworkStream:
        """No request goes to a socket file."""
        raise httpcore.ConnectError

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
