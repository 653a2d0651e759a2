"""Small files by which a driver tells workers what to do: end an attempt, help with one, or take nothing any more."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from vistadream.batch.claim import Worker
from vistadream.batch.folder import BatchFolder
from vistadream.formats.files import new_file, write_json

_STOP, _STRAGGLES = "stop", "straggles"


def ask_to_stop(claim: Path, why: str) -> None:
    """Asks the worker of a claim to end its attempt."""
    with suppress(FileNotFoundError):
        (claim / _STOP).write_text(why, encoding="utf-8")


def why_to_stop(claim: Path) -> str | None:
    """Why the attempt is to end; None where it may go on."""
    with suppress(OSError):
        return (claim / _STOP).read_text(encoding="utf-8")
    return None


def mark_straggler(claim: Path) -> None:
    """Allows one more worker to begin the item of a claim too."""
    with suppress(FileNotFoundError):
        (claim / _STRAGGLES).touch()


def straggles(claim: Path) -> bool:
    return (claim / _STRAGGLES).exists()


def clear_marks(claim: Path) -> None:
    """Forgets what was asked of the worker before."""
    for mark in (_STOP, _STRAGGLES):
        (claim / mark).unlink(missing_ok=True)


class Places:
    """The nodes that work on a batch, a file for each in nodes/, and the bad devices, a file for each in drained/."""

    def __init__(self, folder: BatchFolder):
        self._nodes, self._drained = folder.root / "nodes", folder.root / "drained"

    def seen(self, worker: Worker) -> None:
        """Says that a worker's node takes part."""
        with suppress(OSError):
            self._nodes.mkdir(exist_ok=True)
            (self._nodes / _file_name(worker.node)).touch()

    def has_others(self, node: str) -> bool:
        """Whether other nodes than this one take part."""
        with suppress(OSError):
            return bool(set(os.listdir(self._nodes)) - {_file_name(node)})
        return False

    def drain(self, node: str, device: str, why: str) -> None:
        """Has no worker on that device take anything until the next start."""
        with new_file(self._file(node, device)) as draft:
            write_json(draft, {"node": node, "device": device, "why": why})

    def is_drained(self, worker: Worker) -> bool:
        return self._file(worker.node, worker.device).exists()

    def forget(self) -> None:
        """For a new start: whatever was repaired may work again."""
        for file in [*self._drained.glob("*"), *self._nodes.glob("*")]:
            file.unlink(missing_ok=True)

    def _file(self, node: str, device: str) -> Path:
        return self._drained / f"{_file_name(node)}~{_file_name(device)}.json"


def _file_name(text: str) -> str:
    return quote(text, safe="")[:100] or "_"
