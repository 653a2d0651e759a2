"""How far a run got, read from its folder. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path

from vistadream.runs.paths import RunPaths

_TAIL_BYTES = 65_536


def stages_done(run: Path) -> int:
    """The number of finished stages."""
    return len(RunPaths(run).finished_stages())


def last_part(run: Path) -> str | None:
    """The stage, or other part of a run, that the last observation is about; None where nothing was observed."""
    try:
        with RunPaths(run).events.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - _TAIL_BYTES))
            lines = stream.read().split(b"\n")[:-1]
        return str(json.loads(lines[-1])["name"]).split("/")[0]
    except (OSError, IndexError, ValueError, KeyError, TypeError):
        return None
