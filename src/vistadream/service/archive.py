"""Results of runs as one zip, which is made while it is sent. Its size is known before.

Nothing is compressed, as the files are compressed already or hardly shrink.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.responses import StreamingResponse
from zipstream import ZipStream

from vistadream.runs.listed import EXPORT, Listed
from vistadream.runs.paths import RunPaths
from vistadream.service.results import results_of

_UNKNOWN = "0" * 64
"""As long as every digest, so that the size of what names it is known before its content."""
_CHUNK = 1 << 18
ZIP: dict[str, Any] = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
"""What an archive is, for the OpenAPI document."""


@dataclass
class ArchivedFile:
    """A file of an archive."""

    name: str
    path: Path
    bytes: int
    sha256: str = _UNKNOWN

    def content(self) -> Iterator[bytes]:
        """The bytes of the file; afterwards its digest is known."""
        digest = hashlib.sha256()
        with self.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                yield chunk
        self.sha256 = digest.hexdigest()


def exported(paths: RunPaths, folder: str = "") -> Iterator[ArchivedFile]:
    """The results of a run, without pictures of progress and Gaussians of its stages; `folder` begins their names."""
    listed = {name.removeprefix(f"{EXPORT}/") for name in Listed.read(paths.root).files}
    for name, result in results_of("", paths).items():
        if name in listed:
            yield ArchivedFile(folder + name, result.path, result.bytes)


def zipped(files: Iterable[ArchivedFile]) -> ZipStream:
    """The zip of these files. Its length is that of the object; further parts can be added."""
    stream = ZipStream(sized=True)
    for file in files:
        stream.add(file.content(), file.name, size=file.bytes)
    return stream


def sent(archive: ZipStream, name: str) -> StreamingResponse:
    """The answer that has an archive, to be saved under a name."""
    headers = {
        "Content-Length": str(len(archive)),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-cache",
    }
    return StreamingResponse(iter(archive), media_type="application/zip", headers=headers)
