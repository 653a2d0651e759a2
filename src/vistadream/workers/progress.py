"""How far a run got, read from its folder. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path

from vistadream.runs.paths import RunPaths

_TAIL_BYTES = 65_536


def stages_done(run: Path) -> int:
    """The number of finished stages."""
    return len(RunPaths(run).finished_stages())


def seconds_of_parts(run: Path) -> dict[str, float]:
    """The seconds of the start, of each stage, and of the delivery of a finished run; empty for any other."""
    facts = RunPaths(run).facts()
    try:
        whole, stages = facts["seconds"], facts["stages"]
        parts = {"start": whole["start"], **{name: stages[name]["seconds"] for name in stages}}
        return {name: float(seconds) for name, seconds in {**parts, "delivery": whole["delivery"]}.items()}
    except (KeyError, TypeError, ValueError):
        return {}


def last_progress_s(run: Path) -> float:
    """When the last finished stage ended, or else the run began, in seconds since 1970; 0 when there is neither."""
    paths = RunPaths(run)
    ends = [paths.run_json, *(paths.stage(name) / "done.json" for name in paths.finished_stages())]
    return max((path.stat().st_mtime for path in ends if path.exists()), default=0.0)


def last_part(run: Path) -> str | None:
    """The stage, or other part of a run, that the last observation is about; None where nothing was observed."""
    try:
        with RunPaths(run).events.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - _TAIL_BYTES))
            lines = stream.read().split(b"\n")[:-1]
        return str(json.loads(lines[-1])["name"]).split("/")[0]
    except (OSError, IndexError, ValueError, KeyError, TypeError):
        return None
