"""The one way by which the service sends requests to others, whose URLs come from outside."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property

import httpcore
import httpx

from vistadream.service.outgoing.knobs import OutgoingKnobs
from vistadream.service.outgoing.network import GuardedNetwork
from vistadream.service.problems import ProblemError
from vistadream.version import __version__

_PORTS = {"http": 80, "https": 443}
_MOVED = (301, 302, 303, 307, 308)
_HOPS = 3
"""Redirects that are followed, each one checked as the first URL was."""
_CONNECT_S = 5.0
LONGEST_URL = 2_000
_FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


class SafeHttp:
    """Requests by http and https to public addresses, bounded in size and time.

    It reads no variables of the environment such as HTTP_PROXY, keeps no cookies and no connections, and sends nothing
    but what it is given.
    """

    def __init__(self, knobs: OutgoingKnobs, network: GuardedNetwork | None = None, tls: ssl.SSLContext | None = None):
        """`tls` stands in the place of the usual certificate authorities."""
        self._knobs, self._network, self._given_tls = knobs, network or GuardedNetwork(knobs), tls

    async def check(self, url: str, within_s: float) -> None:
        """ProblemError 422 unless a request may be sent to this URL, and 504 where its name is not found in time."""
        target = self._url(url)
        async with _within(within_s, target):
            await self._network.checked(target.raw_host.decode(), _port(target))

    async def get(self, url: str, within_s: float, limit_bytes: int, keep: Callable[[bytes], object]) -> None:
        """Hands the content of a URL on piece by piece, after at most three redirects.

        ProblemError 422 for a URL that is not allowed, 413 for more than `limit_bytes`, 502 for another answer than
        200 or none, 504 when it takes longer.
        """
        target = self._url(url)
        async with _within(within_s, target):
            for _ in range(_HOPS + 1):
                async with self._answer("GET", target, {"Accept": "image/*"}, None) as answer:
                    if answer.status not in _MOVED:
                        return await _read(answer, target, limit_bytes, keep)
                    target = self._next(target, answer)
        raise ProblemError(
            502, f"{target.host} redirects more than {_HOPS} times; wanted the URL of the picture itself"
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], within_s: float) -> int:
        """Sends a body; the status of the answer, whose content is not read. Redirects are not followed.

        ProblemError as `get`.
        """
        target = self._url(url)
        async with _within(within_s, target), self._answer("POST", target, headers, body) as answer:
            return answer.status

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context()

    @asynccontextmanager
    async def _answer(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[httpcore.Response]:
        own = {"Host": url.netloc.decode(), "User-Agent": f"vistadream/{__version__}", "Accept-Encoding": "identity"}
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        how = {"timeout": {"connect": _CONNECT_S}}
        sent = [(name.encode(), value.encode()) for name, value in {**own, **headers}.items()]
        async with (
            httpcore.AsyncConnectionPool(self._tls, network_backend=self._network) as pool,
            pool.stream(method, target, headers=sent, content=body, extensions=how) as answer,
        ):
            yield answer

    def _url(self, text: str) -> httpx.URL:
        """The URL in a text, whose form is allowed; ProblemError 422 for any other."""
        try:
            url = httpx.URL(text if len(text) <= LONGEST_URL else "")
        except (httpx.InvalidURL, UnicodeError):
            url = httpx.URL()
        if url.scheme not in _PORTS or not url.host:
            raise ProblemError(
                422, f"{text[:64]!r} is not a URL that can be used; wanted http:// or https:// and a host"
            )
        if url.userinfo:
            raise ProblemError(422, "the URL holds a user name; wanted one without user name and password")
        if _port(url) not in self._knobs.ports and not self._knobs.is_named(url.raw_host.decode(), _port(url)):
            ports = ", ".join(map(str, self._knobs.ports))
            raise ProblemError(422, f"the URL names port {_port(url)}; wanted one of {ports}")
        return url

    def _next(self, url: httpx.URL, answer: httpcore.Response) -> httpx.URL:
        """Where a redirect leads, checked as any URL."""
        location = next((value for name, value in answer.headers if name.lower() == b"location"), b"")
        try:
            led = self._url(str(url.join(location.decode())))
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ProblemError(502, f"{url.host} redirects to what is not a URL; wanted a picture") from error
        if url.scheme == "https" and led.scheme == "http":
            raise ProblemError(422, f"{url.host} redirects from https to http; wanted a URL that stays with https")
        return led


def _port(url: httpx.URL) -> int:
    return url.port or _PORTS[url.scheme]


@asynccontextmanager
async def _within(seconds: float, url: httpx.URL) -> AsyncIterator[None]:
    """Ends what takes too long, and says what failed."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ProblemError(504, f"{url.host} did not answer in {seconds:g} s; wanted a faster one") from error
    except _FAILURES as error:
        raise ProblemError(502, f"{url.host} cannot be reached; wanted a host that answers") from error


async def _read(answer: httpcore.Response, url: httpx.URL, limit_bytes: int, keep: Callable[[bytes], object]) -> None:
    if answer.status != 200:
        raise ProblemError(502, f"{url.host} answered {answer.status}; wanted 200 and a picture")
    read = 0
    async for chunk in answer.aiter_stream():
        read += len(chunk)
        if read > limit_bytes:
            raise ProblemError(413, f"{url.host} sends too much; wanted at most {limit_bytes / 1e6:g} MB")
        keep(chunk)
