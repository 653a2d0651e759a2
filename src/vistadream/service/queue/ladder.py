"""What follows when the memory was full for a job: the device for itself, a smaller picture if allowed, its end."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vistadream.runs.paths import RunPaths
from vistadream.service.queue.tables import JobRow
from vistadream.workers.progress import last_part

_SMALLEST_PX = 32
_SHRINK = 2**-0.5
"""Half of the pixels."""
_RESOLUTION = re.compile(r"^max_resolution: (\d+)$", re.MULTILINE)
_SUSPECT = 2
"""One death by SIGKILL may have any cause; from this many on the system probably ended workers for their memory."""
_WANTED = (
    "wanted a job that fits: try a smaller max_resolution, fewer stages.coarse.n_frames, degrade=true, or a machine "
    "with more memory"
)


@dataclass(frozen=True)
class Rung:
    """How a job goes on."""

    state: str
    """queued or failed."""
    error: str | None = None
    changed: dict[str, Any] = field(default_factory=dict)
    """New values of its row."""


def after_full_memory(job: JobRow, run: Path, error: str) -> Rung:
    """After an attempt that ended with full memory; `error` is its sentence."""
    why = f"attempt {job.attempt}: the memory was full{_where(run)}"
    if not job.exclusive:
        return _alone(job, why)
    allowing = "" if job.degrade else "; degrade=true allows a smaller one"
    return _smaller(job, run, why) or Rung("failed", f"also in a fresh process alone on the device, {error}{allowing}")


def after_death(job: JobRow, run: Path, deaths: int, most: int) -> Rung | None:
    """After the death of a worker, of which it is `deaths` without a finished stage; None: taken over at once."""
    killed = f"its worker was killed {deaths} times"
    why = f"attempt {job.attempt}: {killed}{_where(run)}, most likely because the memory was full"
    if deaths >= most:
        by = "" if job.last_signal is None else f", last by signal {job.last_signal}"
        where = f",{_where(run)}" if _where(run) else ""
        error = f"{killed}{by}{where}: most likely out of memory; {_WANTED}"
        return _smaller(job, run, why) or Rung("failed", error, {"deaths": deaths})
    if job.exclusive:  # it waits for the device again
        return Rung("queued", changed={"deaths": deaths})
    if deaths >= _SUSPECT and job.last_signal == signal.SIGKILL:
        rung = _alone(job, why)
        return Rung(rung.state, changed={**rung.changed, "deaths": deaths})
    return None


def _alone(job: JobRow, why: str) -> Rung:
    step = f"{why}; it goes on in a fresh process, alone on the device"
    return Rung("queued", changed={"exclusive": True, "memory_steps": [*job.memory_steps, step]})


def _smaller(job: JobRow, run: Path, why: str) -> Rung | None:
    """With half of the pixels; None where that is not allowed, or they are few already."""
    old = _resolution(run)
    if not job.degrade or old is None or old <= _SMALLEST_PX:
        return None
    new = max(_SMALLEST_PX, round(old * _SHRINK))
    step = f"{why}; it goes on with max_resolution={new} in place of {old}, as degrade=true allows"
    kept = [word for word in job.words if not word.startswith("max_resolution=")]
    changed = {"words": [*kept, f"max_resolution={new}"], "memory_steps": [*job.memory_steps, step], "exclusive": True}
    return Rung("queued", changed={**changed, "result_key": "", "scene_key": ""})  # other jobs want the whole size


def _resolution(run: Path) -> int | None:
    """The knob max_resolution of the run, also where no word sets it."""
    try:
        found = _RESOLUTION.search(RunPaths(run).config.read_text(encoding="utf-8"))
    except OSError:
        return None
    return int(found[1]) if found else None


def _where(run: Path) -> str:
    """In which part of the run, as the end of a clause."""
    part = last_part(run)
    return "" if part is None else f" in {part}"
