"""The picture that a request names by its URL."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

import httpx

from vistadream.service.intake.form_parts import Upload
from vistadream.service.outgoing.safe_http import SafeHttp


async def fetch_picture(http: SafeHttp, url: str, target: Path, limit_bytes: int, within_s: float) -> Upload:
    """The content of a URL in the new file `target`, as if it had been uploaded. ProblemError as `SafeHttp.get`."""
    digest = hashlib.sha256()
    with target.open("xb") as file:

        def keep(chunk: bytes) -> None:
            file.write(chunk)
            digest.update(chunk)

        await http.get(url, within_s, limit_bytes, keep)
    name = PurePosixPath(httpx.URL(url).path).name
    return Upload(name, target, target.stat().st_size, digest.hexdigest())
