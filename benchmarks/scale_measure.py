"""The figures that `scale.py --measure` takes of this machine: files, claims, names, rows of an index, checkpoints."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from scale_figures import CHECKPOINT_BYTES

ROWS, NAMES, CLAIMS = 20_000, 100_000, 2_000


def measured() -> Iterator[tuple[str, float]]:
    """Each figure by its name in MEASURED."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        root = Path(folder)
        yield "claims", claims_a_second(root / "claims")
        yield "index row", bytes_of_a_row(root / "index.sqlite")
        rate, memory = names(root / "names")
        yield "listed names", rate
        yield "name memory", memory
        yield "checkpoint", checkpoint_s(root / "checkpoint.safetensors")
        yield "restart", restart_s()


def claims_a_second(folder: Path) -> float:
    """Claims by mkdir, each published by rename into one of 256 folders."""
    ids = [hashlib.sha256(str(number).encode()).hexdigest()[:16] for number in range(CLAIMS)]
    for digits in range(256):
        (folder / "items" / f"{digits:02x}").mkdir(parents=True)
    (folder / "work").mkdir()
    began = time.perf_counter()
    for each in ids:
        os.mkdir(folder / "work" / f"{each}.1")
        os.rename(folder / "work" / f"{each}.1", folder / "items" / each[:2] / each)
    return CLAIMS / (time.perf_counter() - began)


def bytes_of_a_row(file: Path) -> float:
    """Bytes of a row of the index of a batch."""
    with sqlite3.connect(file) as database:
        database.execute("create table items (id text primary key, name text, state text, facts text) without rowid")
        facts = json.dumps({"seconds": 48.4, "node": "node-0001", "device": "cpu", "psnr": 38.22, "ssim": 0.9812})
        ids = (hashlib.sha256(str(number).encode()).hexdigest()[:25] for number in range(ROWS))
        rows = ((each, f"photos/IMG_{n:06d}.jpg", "done", facts) for n, each in enumerate(ids))
        database.executemany("insert into items values (?, ?, ?, ?)", rows)
    database.close()
    return file.stat().st_size / ROWS


def names(folder: Path) -> tuple[float, float]:
    """Names a second that a folder is listed with, and bytes of memory of a name."""
    for number in range(NAMES):
        place = folder / f"{number % 100:02d}"
        if number < 100:
            place.mkdir(parents=True)
        (place / f"IMG_{number:06d}.jpg").touch()
    began = time.process_time()
    found = _walked(folder)
    seconds = time.process_time() - began
    tracemalloc.start()
    found = _walked(folder)
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return len(found) / seconds, memory / len(found)


def _walked(folder: Path) -> list[str]:
    return [os.path.join(place, name) for place, _, files in os.walk(folder) for name in sorted(files)]


def checkpoint_s(file: Path) -> float:
    """Seconds to write a checkpoint of the size that a `fine` fit has."""
    import torch

    from vistadream.runs.checkpoint_file import CheckpointFile

    state = {"state": torch.rand(CHECKPOINT_BYTES // 4)}
    checkpoints, seconds = CheckpointFile(file, "key", every_s=0), []
    for _ in range(3):
        began = time.perf_counter()
        checkpoints.save("fit", state)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def restart_s() -> float:
    """Processor seconds of the smallest run in a new process, nearly all of which are imports and configuration."""
    words = ("stage=no-outpaint", "max_resolution=32", "stages.initialize.steps=1", "rerun.mode=off", "export=[ply]")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vistadream", "single-img", *words]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
