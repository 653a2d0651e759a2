"""Downloads one large file over HTTP: resumes an interrupted download; the file appears only when it is complete.

Requests follow RFC 9110: `Range` with `If-Range` (14.2, 13.1.5), `Content-Range` (14.4), `Retry-After` (10.2.3).
Proxies come from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY (http, socks5, socks5h) and NO_PROXY.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from vistadream.backends.weights import network
from vistadream.backends.weights.digests import has_digest, wrong_bytes
from vistadream.backends.weights.errors import DownloadError, check_space, disk_error
from vistadream.backends.weights.part import Part
from vistadream.core import Note, Progress, tell

_BUSY = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses after which another try may succeed."""


class _Again(Exception):
    """This try failed, and another may succeed."""

    def __init__(self, reason: str, wait_s: float = 0.0):
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Patience:
    """When to give up. `tries` counts consecutive failures without a new byte."""

    tries: int = 6
    stall_s: float = 60.0
    """A try ends when the server sends nothing for this time."""
    pause_s: float = 1.0
    """Pause before the second try; doubled for each later one."""
    longest_pause_s: float = 60.0


def fetch(url: str, target: Path, sha256: str | None = None, patience: Patience = Patience()) -> Path:
    """Downloads `url` to `target` unless it exists. A second process that wants the same file waits for the first.

    Raises DownloadError if the file cannot be downloaded, UserError if the disk is full or not writable.
    """
    with _write_errors(target), _alone(target):
        if not target.exists():
            part = Part(target)
            with _client(patience) as client:
                _verified(client, url, part, sha256, patience)
            part.finish()
    return target


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Holds a lock, so that no other process writes `target` while the block runs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"download/{target.name}", Note(f"{target.name}: another process downloads it; waiting for it"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(target, error) from error


def _client(patience: Patience) -> httpx.Client:
    timeout = httpx.Timeout(20.0, read=patience.stall_s)
    return network.client(follow_redirects=True, timeout=timeout, headers={"Accept-Encoding": "identity"})


def _verified(client: httpx.Client, url: str, part: Part, sha256: str | None, patience: Patience) -> None:
    """Completes `part` and checks its digest; if it came from several responses, one full download is tried again."""
    for last in (False, True):
        _complete(client, url, part, patience)
        if sha256 is None or has_digest(part.path, sha256, part.name):
            return
        stitched = part.stitched
        part.drop()
        if last or not stitched:
            raise wrong_bytes(url, sha256)
        tell(f"download/{part.name}", Note(f"{part.name}: its pieces do not fit together; starting over"))


def _complete(client: httpx.Client, url: str, part: Part, patience: Patience) -> None:
    """Tries until `part` is complete."""
    failures, farthest = 0, part.size
    while True:
        try:
            return _try(client, url, part)
        except _Again as again:
            failures = 0 if part.size > farthest else failures + 1
            farthest = max(farthest, part.size)
            if failures >= patience.tries:
                raise DownloadError(
                    f"{url}: {again}, {failures} times in a row; {part.size / 1e6:,.0f} MB are kept: the same command "
                    "goes on from there"
                ) from None
            pause = min(max(again.wait_s, patience.pause_s * 2 ** max(failures - 1, 0)), patience.longest_pause_s)
            tell(f"download/{part.name}", Note(f"{part.name}: {again}; trying again in {pause:.0f} s"))
            time.sleep(pause)


def _try(client: httpx.Client, url: str, part: Part) -> None:
    """One request for the missing bytes."""
    size = part.size
    if size and size == part.total:
        return
    headers = {"Range": f"bytes={size}-"} if size else {}
    if size and part.etag and not part.etag.startswith("W/"):
        headers["If-Range"] = part.etag
    try:
        with client.stream("GET", url, headers=headers) as response:
            _prepare(response, url, part)
            check_space(part.name, part.path.parent, (part.total or 0) - part.size)
            with part.path.open("ab") as file:
                for chunk in response.iter_raw():  # a larger buffer would be lost when the connection breaks
                    file.write(chunk)
                    file.flush()
                    _show(part)
    except httpx.TransportError as error:
        raise _Again(f"connection lost ({type(error).__name__})") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DownloadError(f"{url}: {error}; wanted a working address") from error
    if part.total is not None and part.size != part.total:
        raise _Again(f"the server stopped at {part.size:,} of {part.total:,} bytes")


def _prepare(response: httpx.Response, url: str, part: Part) -> None:
    """Prepares `part` for the body of this response, or raises."""
    status, etag = response.status_code, response.headers.get("ETag")
    if status in (401, 403):
        raise DownloadError(
            f"{url} is refused ({status}): it asks for an account that may read it, and no token is sent there; wanted "
            "another source, or the file fetched by hand and its folder named by the backend's knob `path`"
        )
    if status in (404, 410):
        raise DownloadError(f"{url} is not there ({status}); wanted a file: it was moved or taken away")
    if status in _BUSY:
        raise _Again(f"the server answered {status}", _retry_after_s(response))
    if status == 206 and part.size:
        start, total = _content_range(response)
        if start == part.size and total in (None, part.total) and etag in (None, part.etag):
            part.stitched = True
            return
    elif status == 200:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise DownloadError(
                f"{url} answered with a web page; wanted the file: log in to the network, or fetch it by hand"
            )
        if part.size:
            tell(f"download/{part.name}", Note(f"{part.name}: the server sends it from the start again"))
        length = response.headers.get("Content-Length")
        return part.begin(etag, int(length) if length else None)
    elif status not in (206, 416):
        raise DownloadError(f"{url}: the server answered {status}; wanted a file")
    part.drop()
    raise _Again("the file has changed on the server; starting over")


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """The first byte and the length of the whole file; None if the server does not give them."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not found:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _retry_after_s(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def _show(part: Part) -> None:
    """Reports the progress in MB if the length is known."""
    if part.total:
        total = -(-part.total // 10**6)
        done = total if part.size == part.total else part.size // 10**6
        tell(f"download/{part.name} (MB)/progress", Progress(done, total))
