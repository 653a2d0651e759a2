"""Runs in folders that the service does not own, such as outputs/ of the command line. They are read and never changed.

What their files hold is data: nothing of run.json is composed or built.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from vistadream.runs.listed import Listed
from vistadream.runs.paths import RunPaths
from vistadream.service.queue.tables import id_at

_DATE = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:\.\d+)?", re.ASCII)
_OF_A_RUN = ("run.json", "config.yaml", "run.log")
_STATES = {"finished": "done", "failed": "failed", "interrupted": "cancelled", "running": "running"}
_KEPT = 10_000


@dataclass(frozen=True)
class OtherRun:
    """A run folder of somebody else."""

    id: str
    """Made of the time and the path, so that it stays, and sorts by age like that of a job."""
    folder: Path
    created_s: float

    def facts(self) -> dict[str, Any]:
        """The content of run.json; empty where there is no complete one."""
        with suppress(OSError):
            about = (self.folder / "run.json").stat()
            return _facts(self.folder, about.st_size, about.st_mtime_ns)
        return {}

    @property
    def state(self) -> str:
        """As of a job; "unknown" where run.json does not say it."""
        return _STATES.get(str(self.facts().get("status")), "unknown")

    @property
    def is_damaged(self) -> bool:
        """Whether it says too little of itself, or that it is finished and has no list of results."""
        state = self.state
        return state == "unknown" or (state == "done" and Listed.read(self.folder).key is None)


@lru_cache(_KEPT)
def _facts(folder: Path, _size: int, _changed_ns: int) -> dict[str, Any]:
    return RunPaths(folder).facts()


def runs_in(folders: Sequence[Path]) -> list[OtherRun]:
    """All run folders in some folders, themselves or one level below, the newest first. Links are not followed."""
    found = {path: created_s for folder in folders for path, created_s in _runs(folder, 2)}
    runs = [OtherRun(_id(path, created_s), path, created_s) for path, created_s in found.items()]
    return sorted(runs, key=lambda run: run.id, reverse=True)


def _runs(folder: Path, levels: int) -> Iterator[tuple[Path, float]]:
    """Run folders below a folder, with the time when each began."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not entry.is_dir(follow_symlinks=False):
                continue
            path = Path(entry.path)
            if any((path / name).is_file() for name in _OF_A_RUN):
                yield path, _created_s(path)
            elif levels > 1:
                yield from _runs(path, levels - 1)


def _created_s(folder: Path) -> float:
    """By the name of the folder, as the command line makes it; else by the oldest of its own files."""
    if date := _DATE.fullmatch(folder.name):
        with suppress(ValueError):
            return datetime.strptime(date[1], "%Y-%m-%d_%H-%M-%S").timestamp()
    return min(os.stat(folder / name).st_mtime for name in _OF_A_RUN if (folder / name).is_file())


def _id(folder: Path, created_s: float) -> str:
    return id_at(created_s, int.from_bytes(hashlib.sha256(os.fsencode(folder)).digest()[:10]))
