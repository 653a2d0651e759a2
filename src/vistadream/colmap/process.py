"""The process in which COLMAP works: started, followed, and ended with this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

import numpy as np

from vistadream.core import Progress, UserError, tell

Arrays = dict[str, np.ndarray]
_CHILD = "vistadream.colmap.child"
_ENVIRONMENT: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
"""One thread in every library that the child loads, so that its sums have one order."""
_TICK_S = 0.2
_QUOTED = 300
"""The number of characters of the child's last words that an error quotes."""


@dataclass(frozen=True)
class Task:
    """A task of the child."""

    name: str
    aim: str
    """What COLMAP does, in words that follow "failed to"."""
    group: str
    """How the names of its observations begin."""
    otherwise: str
    """What a user can do where COLMAP fails."""


def run_task(folder: Path, task: Task, **request: Any) -> Path:
    """Runs a task of the child, which works on the files of `folder`; the file of NumPy arrays that it wrote there.

    UserError when the child fails. The observer of the run is called several times a second, so that a cancelled run
    ends the child at once.
    """
    file, result = folder / "request.json", folder / "result.npz"
    file.write_text(json.dumps({"task": task.name, "parent": os.getpid(), **request}), encoding="utf-8")
    result.unlink(missing_ok=True)
    with (folder / "log.txt").open("w+b") as log:
        with _child(file, log) as (child, lines):
            _follow(child, lines, task.group)
        if child.returncode or not result.exists():
            raise _failure(task, child.returncode, log)
    return result


@contextmanager
def _child(request: Path, log: IO[bytes]) -> Iterator[tuple[subprocess.Popen[bytes], Queue[bytes]]]:
    """The running process and the lines that it writes; it never outlives the block, nor this process."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", _CHILD, str(request)],
        stdin=subprocess.PIPE,  # stays open: its end is how the child learns that this process has ended
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, **_ENVIRONMENT},
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the child
    )
    lines: Queue[bytes] = Queue()
    reader = threading.Thread(target=_collect, args=[child.stdout, lines], daemon=True)
    reader.start()
    try:
        yield child, lines
    finally:
        child.kill()
        child.wait()
        reader.join()
        child.stdin.close()
        child.stdout.close()


def _collect(stream: IO[bytes], lines: Queue[bytes]) -> None:
    for line in stream:
        lines.put(line)


def _follow(child: subprocess.Popen[bytes], lines: Queue[bytes], group: str) -> None:
    """Reports progress until the process ends."""
    name, progress = group, Progress(0, 1)
    while child.poll() is None:
        try:
            what, done, total = json.loads(lines.get(timeout=_TICK_S))
            name, progress = f"{group}/{what}/progress", Progress(done, total)
        except Empty:
            pass
        tell(name, progress)


def _failure(task: Task, code: int, log: IO[bytes]) -> UserError:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    reasons = [line for line in lines if "Error" in line or "failed" in line] or lines
    said = " ".join(reasons[-1].split())[-_QUOTED:] or "it said nothing"
    return UserError(
        f"COLMAP failed to {task.aim} (exit code {code}): {said}; wanted a pycolmap that works on this machine, "
        f"version 4.2 or newer: install it again, or {task.otherwise}"
    )
