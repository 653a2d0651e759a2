"""The results of a batch as one zip, which is made while it is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zipstream import ZipStream

from vistadream.runs.listed import EXPORT, Listed
from vistadream.runs.paths import RunPaths
from vistadream.service.batches.batches import Member
from vistadream.service.batches.tables import BatchRow
from vistadream.service.data import DataFolder
from vistadream.service.queue.listed import time_text
from vistadream.service.results import results_of

MANIFEST = "manifest.json"
_UNKNOWN = "0" * 64
"""As long as every digest, so that the size of the manifest is known before its content."""
_CHUNK = 1 << 18


@dataclass
class _File:
    """A file of the archive."""

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


def archive_of(batch: BatchRow, members: Sequence[Member], data: DataFolder) -> ZipStream:
    """The zip: a folder for each scene, and last the manifest. Its length is that of the object.

    Nothing is compressed, as the files are compressed already or hardly shrink.
    """
    files = [file for member in members for file in _files(member, data)]
    stream = ZipStream(sized=True)
    for file in files:
        stream.add(file.content(), file.name, size=file.bytes)

    def manifest() -> Iterator[bytes]:
        """Made when it is sent, after the files, whose digests are known then."""
        yield json.dumps(_manifest(batch, members, files), indent=2).encode()

    stream.add(manifest(), MANIFEST, size=len(next(manifest())))
    return stream


def _files(member: Member, data: DataFolder) -> Iterator[_File]:
    """The results of a job, without the pictures of its progress and the Gaussians of its stages."""
    if member.job is None or member.job.state != "done":
        return
    paths = RunPaths(data.run(member.job_id))
    listed = {name.removeprefix(f"{EXPORT}/") for name in Listed.read(paths.root).files}
    for name, result in results_of(member.job_id, paths).items():
        if name in listed:
            yield _File(f"{member.folder}/{name}", result.path, result.bytes)


def _manifest(batch: BatchRow, members: Sequence[Member], files: Sequence[_File]) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "created": time_text(batch.created_s),
        "files": [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in files],
        "failures": [
            {"folder": member.folder, "job": member.job_id, **_end_of(member)}
            for member in members
            if member.job is None or member.job.state != "done"
        ],
    }


def _end_of(member: Member) -> dict[str, Any]:
    job = member.job
    return {"state": "deleted", "error": None} if job is None else {"state": job.state, "error": job.error}
