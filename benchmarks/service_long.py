"""One worker through many jobs: its memory, its open files, and the events that all jobs leave.

Run: python benchmarks/service_long.py [--jobs 2000] [--first 100]
Prints a line of JSON at the first jobs and at each tenth of all, and ends with 1 where the memory grew by 5 % or more
after the first jobs, or more files are open than then.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

import vistadream
from vistadream.config import words_of
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id

KNOBS = {
    "stage": "no-outpaint",
    "max_resolution": 32,
    "recipe": "quick",
    "stages.initialize.steps": 1,
    "export": ["gaussians", "metrics"],
    "flight.frames": 1,
}
SAMPLE = Path(vistadream.__file__).parent / "assets" / "sample.png"
MOST_GROWTH = 0.05


def add(store: Store, data: Path) -> None:
    """Puts the smallest job into the queue."""
    row = JobRow(new_id(), words=tuple(words_of(KNOBS)), input_name=SAMPLE.name)
    (folder := data / "jobs" / row.id / "input").mkdir(parents=True)
    shutil.copyfile(SAMPLE, folder / SAMPLE.name)
    store.add(row)


def at_rest(worker: psutil.Process) -> int:
    """The least of some counts of the files that it has open: right after a job it may not have closed them all yet.

    A file counts once: the pool keeps up to five connections to the database, as many as threads once needed together.
    """
    counts = []
    for _ in range(20):
        counts.append(len({file.path for file in worker.open_files()}))
        time.sleep(0.05)
    return min(counts)


def measured(worker: psutil.Process, done: int, event_bytes: int, began_s: float) -> dict[str, Any]:
    return {
        "done": done,
        "rss_mb": round(worker.memory_info().rss / 1e6, 1),
        "open_files": at_rest(worker),
        "events_mb": round(event_bytes / 1e6, 3),
        "seconds": round(time.monotonic() - began_s),
    }


def long_run(data: Path, jobs: int, first: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was measured after the first jobs, and after all. A finished job's folder is removed, its events counted."""
    (data / "jobs").mkdir(parents=True)
    store, began_s, event_bytes, at_first = Store(database_url(data)), time.monotonic(), 0, {}
    command = [sys.executable, "-m", "vistadream", "worker", f"data={data}", f"jobs={jobs + 1}", "min_free_gb=0"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    worker, found = psutil.Process(process.pid), {}
    for done in range(1, jobs + 1):
        add(store, data)
        while not (ended := store.page(state="done")):
            if process.poll() is not None or store.page(state="failed"):
                raise SystemExit(f"the worker ended with {process.poll()}, or a job failed, after {done - 1} jobs")
            time.sleep(0.05)
        for row in ended:
            event_bytes += (data / "jobs" / row.id / "run" / "events.jsonl").stat().st_size
            store.remove(row.id)
            shutil.rmtree(data / "jobs" / row.id)
        if done in (first, jobs) or done % max(1, jobs // 10) == 0:
            found = measured(worker, done, event_bytes, began_s)
            print(json.dumps(found), flush=True)
            at_first = found if done == first else at_first
    process.terminate()
    process.wait(60)
    store.close()
    return at_first, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first, last = long_run(Path(folder) / "data", asked.jobs, asked.first)
    growth = last["rss_mb"] / first["rss_mb"] - 1
    print(json.dumps({"growth": round(growth, 4), "more_open_files": last["open_files"] - first["open_files"]}))
    return 0 if growth < MOST_GROWTH and last["open_files"] <= first["open_files"] else 1


if __name__ == "__main__":
    sys.exit(main())
