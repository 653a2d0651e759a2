"""What is in the folder of a claim: its worker, its sign of life, how earlier attempts ended, and the run."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from vistadream.formats.files import new_file, write_json
from vistadream.formats.json_file import read_json

_OPENED_ANEW = ("run.log", "events.jsonl")
"""Files of a run that an earlier worker may still have open for appending."""
LET_GO = "let_go.json"
"""What becomes of claim.json."""
_GB = 1e9


@dataclass(frozen=True)
class Worker:
    """Who claims."""

    name: str
    """Of this process alone."""
    node: str
    device: str = ""


@dataclass(frozen=True)
class Claim:
    """An item that this process works on."""

    id: str
    number: int
    folder: Path
    lock: IO[bytes] | None = field(default=None, compare=False)

    @property
    def run(self) -> Path:
        return run_folder(self.folder, self.id)

    def beat(self) -> bool:
        """Gives a sign of life, with the memory of this process; False where the claim is gone."""
        try:
            beat_file(self.folder, self.number).write_text(f"{memory_gb():.3f}", encoding="ascii")
        except FileNotFoundError:
            return False
        return True

    def is_there(self) -> bool:
        return beat_file(self.folder, self.number).exists()


def run_folder(claim: Path, id: str) -> Path:
    """The run folder of a claim; the report takes its title from the folder above."""
    return claim / id / "run"


def beat_file(claim: Path, number: int) -> Path:
    """Locked, and written again and again, by the worker that has the claim of that number."""
    return claim / f"alive.{number}"


def memory_gb() -> float:
    """Of this process."""
    return psutil.Process().memory_info().rss / _GB


def is_free(claim: Path) -> bool:
    """Whether a claim was let go. One without either file was made a moment ago."""
    return not (claim / "claim.json").exists() and (claim / LET_GO).exists()


def sign(claim: Path, worker: Worker) -> None:
    """Says whose the claim is. FileNotFoundError where it is gone."""
    draft = claim / f".claim.{os.getpid()}.json"
    write_json(draft, asdict(worker))
    draft.replace(claim / "claim.json")


def owner_of(claim: Path) -> dict[str, Any]:
    """What claim.json says of the worker; empty where there is none that is whole."""
    with suppress(OSError, ValueError):
        owner = read_json(claim / "claim.json")
        return owner if isinstance(owner, dict) else {}
    return {}


def open_anew(claim: Path, id: str) -> None:
    """Puts copies in the place of files, so that whoever has the old ones open writes into nothing."""
    for name in _OPENED_ANEW:
        file = run_folder(claim, id) / name
        with suppress(FileNotFoundError), new_file(file) as draft:
            shutil.copyfile(file, draft)
