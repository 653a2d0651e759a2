"""The queue under kill -9: no job lost, none finished twice, each scene byte for byte that of an unbroken run.

Run: python benchmarks/service_soak.py [--jobs 1000] [--worker-kills 5 20] [--server-kills 60 120]
Workers, and the process that has them, are killed while jobs keep coming: after random times of these ranges, in
seconds, that count from when a worker has begun a job since the last kill, however long the machine takes to start one.
Prints one JSON object, and ends with 1 where anything of the above does not hold.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from vistadream.formats.files import drafts
from vistadream.service.claims import database_url
from vistadream.service.store import Store
from vistadream.service.tables import JobRow, new_id

SMALLEST = (
    "stage=no-outpaint",
    "max_resolution=32",
    "recipe=quick",
    "export=[gaussians,metrics]",
    "flight.frames=1",
)
VARIANTS = tuple((*SMALLEST, f"stages.initialize.steps={steps}") for steps in (1, 2, 3))
LATEST_S = 3 * 3600
_LOG = """
create table ended (id text, state text);
create trigger log_ends after update of state on jobs when new.state in ('done', 'failed', 'cancelled')
begin insert into ended values (new.id, new.state); end;
"""
PARENT = """
import signal, sys
from pathlib import Path
from vistadream.service.worker import pool_of
pool = pool_of(Path(sys.argv[1]), int(sys.argv[2]), deaths=1000)
pool.start()
signal.sigwait([signal.SIGTERM])
pool.stop()
"""


class Service:
    """A process with a pool of workers, which can be killed and started again."""

    def __init__(self, data: Path, workers: int):
        self._command = [sys.executable, "-c", PARENT, str(data), str(workers)]
        self.workers: set[psutil.Process] = set()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command)

    def look(self) -> list[psutil.Process]:
        """The workers of now, which are kept to see in the end whether all have gone."""
        found = [child for child in psutil.Process(self.process.pid).children() if child.is_running()]
        self.workers |= set(found)
        return found

    def kill(self) -> None:
        self.look()
        self.process.kill()
        self.process.wait()

    def stray(self) -> int:
        return sum(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in self.workers)


class Clock:
    """When the next kill is due: some time after the first attempt that began since the last one."""

    def __init__(self, between_s: tuple[float, float], chance: random.Random):
        self._between_s, self.chance = between_s, chance
        self._due_s: float | None = None
        self._attempts = 0

    def rings(self, attempts: int) -> bool:
        """`attempts`: how many have begun so far."""
        if self._due_s is None and attempts > self._attempts:
            self._due_s = time.monotonic() + self.chance.uniform(*self._between_s)
        if self._due_s is None or time.monotonic() < self._due_s:
            return False
        self._due_s, self._attempts = None, attempts
        return True


def scene_of(run: Path) -> str:
    """The digest of the scene and of every view of a run."""
    files = sorted([*run.rglob("*.ply"), *run.rglob("*.png"), *run.rglob("*.npy")])
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def unbroken(folder: Path) -> list[str]:
    """The digests of all variants in a process that nobody kills."""
    code = "import sys, pathlib; from vistadream.workers.carry_out import carry_out as do\n"
    code += f"for n, words in enumerate({VARIANTS!r}): do('single_img', words, pathlib.Path(sys.argv[1]) / str(n))"
    subprocess.run([sys.executable, "-c", code, folder], check=True)
    return [scene_of(folder / str(n)) for n in range(len(VARIANTS))]


def submit(store: Store, data: Path, n: int) -> None:
    """One job, asked for twice, as a client does that heard no answer."""
    for _ in range(2):
        row = JobRow(new_id(), words=VARIANTS[n % len(VARIANTS)], idempotency_key=str(n))
        (data / "jobs" / row.id).mkdir(parents=True)
        if store.add(row).id != row.id:
            (data / "jobs" / row.id).rmdir()


def soak(
    data: Path,
    jobs: int,
    worker_kills_s: tuple[float, float] = (5, 20),
    server_kills_s: tuple[float, float] = (60, 120),
    workers: int = 1,
    seed: int = 0,
    latest_s: float = LATEST_S,
) -> dict[str, Any]:
    """Has so many jobs done under kills, and says what became of them."""
    wanted, chance = unbroken(data / "unbroken"), random.Random(seed)
    store = Store(database_url(data))
    with sqlite3.connect(data / "queue.db") as direct:
        direct.executescript(_LOG)
    on_worker, on_server = Clock(worker_kills_s, chance), Clock(server_kills_s, chance)
    service, began = Service(data, workers), time.monotonic()
    try:
        kills = _kill_while_it_works(store, data, jobs, service, on_worker, on_server, began + latest_s)
    finally:
        service.look()
        service.process.terminate()
        service.process.wait(30)
    seconds = round(time.monotonic() - began)
    return {"jobs": jobs, "seconds": seconds, "kills": dict(kills), **_found(store, data, wanted, service)}


def _kill_while_it_works(
    store: Store, data: Path, jobs: int, service: Service, on_worker: Clock, on_server: Clock, latest_s: float
) -> Counter[str]:
    """Adds jobs and kills processes until all jobs have ended; how often it killed what."""
    kills: Counter[str] = Counter()
    added = 0
    while time.monotonic() < latest_s and (added < jobs or store.counts().keys() & {"queued", "running"}):
        if added < jobs and added < 10 + store.counts().get("done", 0):
            submit(store, data, added)
            added += 1
            continue
        attempts = sum(row.attempt for row in store.page(limit=jobs))
        if (found := service.look()) and on_worker.rings(attempts):
            on_worker.chance.choice(found).kill()
            kills["workers"] += 1
        if on_server.rings(attempts):
            service.kill()
            service.start()
            kills["servers"] += 1
        time.sleep(0.2)
    return kills


def _found(store: Store, data: Path, wanted: list[str], service: Service) -> dict[str, Any]:
    rows = []
    while page := store.page(before=rows[-1].id if rows else None, limit=500):
        rows += page
    with sqlite3.connect(data / "queue.db") as direct:
        ends = Counter(id for (id,) in direct.execute("select id from ended"))
        intact = direct.execute("pragma integrity_check").fetchone()[0]
    runs = {row: data / "jobs" / row.id / "run" for row in rows}
    return {
        "states": store.counts(),
        "different keys": len({row.idempotency_key for row in rows}),
        "rows": len(rows),
        "finished twice": sum(count > 1 for count in ends.values()),
        "attempts": sum(row.attempt for row in rows),
        "other bytes": sum(scene_of(run) != wanted[VARIANTS.index(row.words)] for row, run in runs.items()),
        "half files": sum(len(drafts(run)) for run in runs.values()),
        "stray processes": service.stray(),
        "integrity_check": intact,
        "errors": sorted({row.error for row in rows if row.error}),
    }


def holds(found: dict[str, Any]) -> bool:
    """Whether nothing was lost, doubled, changed, or left behind."""
    nothing = ("finished twice", "other bytes", "half files", "stray processes")
    whole = found["states"] == {"done": found["jobs"]} and found["different keys"] == found["rows"] == found["jobs"]
    return whole and not any(found[name] for name in nothing) and found["integrity_check"] == "ok"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--worker-kills", type=float, nargs=2, default=(5, 20))
    parser.add_argument("--server-kills", type=float, nargs=2, default=(60, 120))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(
            Path(folder), asked.jobs, tuple(asked.worker_kills), tuple(asked.server_kills), asked.workers, asked.seed
        )
    print(json.dumps(found, indent=2))
    return 0 if holds(found) else 1


if __name__ == "__main__":
    sys.exit(main())
