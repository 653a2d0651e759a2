"""How the attempts at an item ended, as the folder of its claim says."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vistadream.batch.claim import LET_GO, beat_file, owner_of, run_folder
from vistadream.batch.marks import why_to_stop
from vistadream.batch.quarantine import Attempt
from vistadream.workers.progress import last_part, stages_done

_TAIL_BYTES = 8_192


def note(claim: Path, ended: Attempt) -> None:
    """Adds how an attempt ended to the history of the item."""
    with (claim / "history.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(ended)) + "\n")


def let_go(claim: Path, ended: Attempt) -> None:
    """Leaves a claim for another attempt, also on a full disk. FileNotFoundError where somebody was faster."""
    try:
        note(claim, ended)
    finally:
        (claim / "claim.json").rename(claim / LET_GO)


def history_of(claim: Path) -> list[Attempt]:
    """The attempts that ended so far; a line that is not whole is left out."""
    found = []
    with suppress(FileNotFoundError):
        for line in (claim / "history.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError):
                found.append(Attempt(**json.loads(line)))
    return found


def ended_as(claim: Path, id: str, number: int, state: str, **more: Any) -> Attempt:
    """How an attempt ended, with what its folder says of the place."""
    owner, run = owner_of(claim), run_folder(claim, id)
    memory, beat = None, beat_file(claim, number)
    with suppress(OSError, ValueError):
        memory = float(beat.read_text(encoding="ascii"))
    more["at_s"] = _changed_s(beat, run / "events.jsonl", run / "run.log")
    who = (str(owner.get("name", "?")), str(owner.get("node", "?")), str(owner.get("device", "")))
    return Attempt(number, *who, state, stages=stages_done(run), part=last_part(run), memory_gb=memory, **more)


def _changed_s(*files: Path) -> float | None:
    """The last change of any of the files, in seconds since 1970; None where there is none."""
    found = []
    for file in files:
        with suppress(OSError):
            found.append(round(file.stat().st_mtime, 3))
    return max(found, default=None)


def death_of(claim: Path, id: str, number: int, signal: int | None = None) -> Attempt:
    """How an attempt ended whose worker is dead: perhaps it was killed as it did not end in time."""
    why = why_to_stop(claim)
    return ended_as(claim, id, number, "slow" if why else "killed", signal=signal, error=why)


def log_tail(run: Path) -> str:
    """The last lines of the log of a run; "" where there are none."""
    try:
        with (run / "run.log").open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
