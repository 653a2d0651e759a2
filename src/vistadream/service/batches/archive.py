"""The results of a batch as one zip, with a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from zipstream import ZipStream

from vistadream.runs.paths import RunPaths
from vistadream.service.archive import ArchivedFile, exported, zipped
from vistadream.service.batches.batches import Member
from vistadream.service.batches.tables import BatchRow
from vistadream.service.data import DataFolder
from vistadream.service.queue.listed import time_text

MANIFEST = "manifest.json"


def archive_of(batch: BatchRow, members: Sequence[Member], data: DataFolder) -> ZipStream:
    """The zip: a folder for each scene, and last the manifest. Its length is that of the object."""
    files = [file for member in members for file in _files(member, data)]
    stream = zipped(files)

    def manifest() -> Iterator[bytes]:
        """Made when it is sent, after the files, whose digests are known then."""
        yield json.dumps(_manifest(batch, members, files), indent=2).encode()

    stream.add(manifest(), MANIFEST, size=len(next(manifest())))
    return stream


def _files(member: Member, data: DataFolder) -> Iterator[ArchivedFile]:
    if member.job and member.job.state == "done":
        yield from exported(RunPaths(data.run(member.job_id)), f"{member.folder}/")


def _manifest(batch: BatchRow, members: Sequence[Member], files: Sequence[ArchivedFile]) -> dict[str, Any]:
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
