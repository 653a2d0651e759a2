"""Who works on what at this moment, as the folders of the claims say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from vistadream.batch.claim import owner_of, run_folder
from vistadream.batch.folder import BatchFolder
from vistadream.workers.progress import last_part


@dataclass(frozen=True)
class UnderWay:
    """A claim that somebody holds, or held when it died."""

    id: str
    attempt: int
    worker: str
    node: str
    silent_s: float
    """Since the worker last showed that it is alive."""
    part: str | None
    """The stage."""


def under_way(folder: BatchFolder, now_s: float) -> Iterator[UnderWay]:
    """The claims that name a worker."""
    names: list[str] = []
    with suppress(FileNotFoundError):
        names = sorted(os.listdir(folder.work))
    for name in names:
        id, _, number = name.rpartition(".")
        claim = folder.work / name
        if not number.isdigit() or not (owner := owner_of(claim)):
            continue
        with suppress(FileNotFoundError):  # published in this moment
            silent_s = now_s - max(entry.stat().st_mtime for entry in os.scandir(claim))
            who = (str(owner.get("name", "?")), str(owner.get("node", "?")))
            yield UnderWay(id, int(number), *who, max(0.0, silent_s), last_part(run_folder(claim, id)))
