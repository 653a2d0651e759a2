"""The files that a run left, by names that come from the run and never from a request."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Any

from vistadream.formats.files import sha256_of
from vistadream.runs.listed import Listed
from vistadream.runs.paths import RunPaths

_MEDIA_TYPES = {
    ".glb": "model/gltf-binary",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".mp4": "video/mp4",
    ".obj": "model/obj",
    ".yaml": "application/yaml",
}
_OTHER = "application/octet-stream"
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; media-src 'self' data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'"
)
"""For pages that a run wrote: their scripts run in an origin of their own, which reaches nothing of the service."""


@dataclass(frozen=True)
class ResultFile:
    """One file of a run under its public name."""

    name: str
    path: Path
    url: str
    bytes: int

    @property
    def media_type(self) -> str:
        suffix = self.path.suffix.lower()
        return _MEDIA_TYPES.get(suffix) or mimetypes.types_map.get(suffix, _OTHER)

    def public(self, digest: bool = False) -> dict[str, Any]:
        """The fields of `models.Result`; with `digest` all of the file is read, once."""
        about = {"name": self.name, "url": self.url, "bytes": self.bytes, "media_type": self.media_type}
        return about | ({"sha256": _digest(self.path, self.bytes, self.path.stat().st_mtime_ns)} if digest else {})


@lru_cache(4096)
def _digest(path: Path, _size: int, _changed_ns: int) -> str:
    """The digest of a file, kept for as long as its size and time of change stay."""
    return sha256_of(path)


def results_of(job_id: str, paths: RunPaths, base: str | None = None) -> dict[str, ResultFile]:
    """The results by name: those of results.json, the Gaussians of each stage, the recordings and the newest pictures.

    `base`: the address under which they are; that of the job by default. Links are left out, and what results.json
    names outside of the run folder, since these may be no files of the run.
    """
    found, home = {}, paths.root.resolve()
    for name, path in _files(paths):
        with suppress(OSError):  # a run that is resumed replaces its results meanwhile
            about = path.lstat()
            if S_ISREG(about.st_mode) and path.resolve().is_relative_to(home):
                found[name] = ResultFile(name, path, f"{base or f'/v1/jobs/{job_id}'}/results/{name}", about.st_size)
    return found


def _files(paths: RunPaths) -> Iterator[tuple[str, Path]]:
    root = paths.root
    for name, file in Listed.read(root).by_name().items():
        yield name, root / file
    for stage in paths.finished_stages():
        yield f"stages/{stage}.ply", paths.stage(stage) / "gaussians.ply"
    for recording in sorted(root.glob("run*.rrd")):
        yield recording.name, recording
    for picture in sorted((root / "live").glob("*.jpg")):
        yield f"live/{picture.name}", picture
