"""A temporary folder with the pictures of some Views, and the process in which COLMAP works on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from PIL import Image

from vistadream.core import Progress, UserError, View, tell
from vistadream.ops.image.pixels import to_uint8

Arrays = dict[str, np.ndarray]
_CHILD = "vistadream.backends.poses.sfm_child"
_TICK_S = 0.2
_QUOTED = 300
"""The number of characters of the child's last words that an error quotes."""


@dataclass(frozen=True)
class Workspace:
    """Pictures of Views as files, which COLMAP's tasks read one after the other."""

    folder: Path
    views: Sequence[View]
    seed: int

    @staticmethod
    @contextmanager
    def of(views: Sequence[View], seed: int) -> Iterator[Workspace]:
        """Writes the pictures; removes everything at the end."""
        with TemporaryDirectory(prefix="vistadream-sfm-", ignore_cleanup_errors=True) as folder:
            work = Workspace(Path(folder), views, seed)
            work._write_pictures()
            yield work

    def _write_pictures(self) -> None:
        """pictures/00000.png and so on; masks/00000.png.png, as COLMAP names them, where a View has ignored pixels."""
        (self.folder / "pictures").mkdir()
        for i, view in enumerate(self.views):
            file = f"{i:05d}.png"
            Image.fromarray(to_uint8(view.rgb)).save(self.folder / "pictures" / file, compress_level=1)
            if not bool(view.supervise.all()):
                (self.folder / "masks").mkdir(exist_ok=True)
                Image.fromarray(view.supervise.numpy()).convert("L").save(self.folder / "masks" / f"{file}.png")

    def run(self, task: str, **request: Any) -> Arrays:
        """The arrays that a task of the child writes. UserError when the child fails.

        The observer of the run is called several times a second, so that a cancelled run ends the child at once.
        """
        file, result = self.folder / "request.json", self.folder / "result.npz"
        words = {"task": task, "parent": os.getpid(), "seed": self.seed, **request}
        file.write_text(json.dumps(words), encoding="utf-8")
        result.unlink(missing_ok=True)
        with (self.folder / "log.txt").open("w+b") as log:
            with _child(file, log) as (child, lines):
                _follow(child, lines)
            if child.returncode or not result.exists():
                raise _failure(task, child.returncode, log)
        with np.load(result, allow_pickle=False) as arrays:
            return dict(arrays)


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


_ENVIRONMENT: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
"""One thread in every library that the child loads, so that its sums have one order."""


def _follow(child: subprocess.Popen[bytes], lines: Queue[bytes]) -> None:
    """Reports progress until the process ends."""
    name, progress = "register", Progress(0, 1)
    while child.poll() is None:
        try:
            what, done, total = json.loads(lines.get(timeout=_TICK_S))
            name, progress = f"register/{what}/progress", Progress(done, total)
        except Empty:
            pass
        tell(name, progress)


def _failure(task: str, code: int, log: IO[bytes]) -> UserError:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    reasons = [line for line in lines if "Error" in line or "failed" in line] or lines
    said = " ".join(reasons[-1].split())[-_QUOTED:] or "it said nothing"
    return UserError(
        f"COLMAP failed to {task} the photos (exit code {code}): {said}; wanted a pycolmap that works on this machine, "
        "version 4.2 or newer: install it again, or use poses that come with the input"
    )
