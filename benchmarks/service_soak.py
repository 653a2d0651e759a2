"""The queue under kill -9: no job lost, none finished twice, each scene byte for byte that of an unbroken run.

Run: python benchmarks/service_soak.py [--jobs 1000] [--worker-kills 5 20] [--server-kills 60 120] [--http]
Workers, and the process that has them, are killed while jobs keep coming: after random times of these ranges, in
seconds, that count from when a worker has begun a job since the last kill, however long the machine takes to start one.
With --http the process is `vistadream serve`, a client sends each job twice and until it is answered, under one
idempotency key, and a receiver of webhooks wants to hear of each job's end, in one message that may come again;
without, the process is a small one that has the workers alone. Prints one JSON object, and ends with 1 where
anything of the above does not hold.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psutil
from kill_clock import Clock
from sqlalchemy import func, select
from webhook_receiver import Receiver

import vistadream
from vistadream.config import words_of
from vistadream.formats.files import drafts
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.service.queue.tables import jobs as table

KNOBS = {
    "stage": "no-outpaint",
    "max_resolution": 32,
    "recipe": "quick",
    "export": ["gaussians", "metrics"],
    "flight.frames": 1,
}
"""The smallest job that there is."""
VARIANTS = tuple({**KNOBS, "stages.initialize.steps": steps} for steps in (1, 2, 3))
SAMPLE = Path(vistadream.__file__).parent / "assets" / "sample.png"
LATEST_S = 3 * 3600
_TOLD_S = 300
"""How long the last webhooks are waited for: a message to a service that was killed comes again after a while."""
_LOG = """
create table ended (id text, state text);
create trigger log_ends after update of state on jobs when new.state in ('done', 'failed', 'cancelled')
begin insert into ended values (new.id, new.state); end;
"""
PARENT = """
import signal, sys, threading
from pathlib import Path
from vistadream.service.queue.worker import pool_of
from vistadream.workers.slots import slots
pool = pool_of(Path(sys.argv[1]), slots(int(sys.argv[2])), deaths=1000)
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
pool.start()
ended.wait()
pool.stop()
"""


def _alive(process: psutil.Process) -> bool:
    """Whether a process still works; one that has ended but was not waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Service:
    """A process with a pool of workers, which can be killed and started again."""

    def __init__(self, data: Path, workers: int):
        self.data, self.command = data, [sys.executable, "-c", PARENT, str(data), str(workers)]
        self.workers: set[psutil.Process] = set()

    def submit(self, store: Store, n: int) -> bool:
        """Adds a job twice, as a client does that heard no answer; False where that has to be tried again."""
        for _ in range(2):
            row = JobRow(new_id(), words=tuple(words_of(VARIANTS[n % len(VARIANTS)])), idempotency_key=str(n))
            row = replace(row, input_name=SAMPLE.name)
            (self.data / "jobs" / row.id / "input").mkdir(parents=True)
            shutil.copyfile(SAMPLE, self.data / "jobs" / row.id / "input" / SAMPLE.name)
            if store.add(row).id != row.id:
                shutil.rmtree(self.data / "jobs" / row.id)
        return True

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)

    def untold(self, ids: Collection[str], latest_s: float) -> int | None:
        """Of how many jobs nobody was told the end by a webhook; None where there are no webhooks."""
        return None

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
        """How many workers are left some seconds after all has ended."""
        latest_s = time.monotonic() + 10
        while (left := sum(map(_alive, self.workers))) and time.monotonic() < latest_s:
            time.sleep(0.1)
        return left


class HttpService(Service):
    """`vistadream serve`, spoken to as its clients do."""

    def __init__(self, data: Path, workers: int):
        super().__init__(data, workers)
        self._receiver = Receiver()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = [
            f"data={data}",
            f"port={port}",
            f"workers={workers}",
            "worker_deaths=1000",
            "min_free_gb=0",
            "drain_s=0",
            "cache.enabled=false",  # every job is to be run
            f"outgoing.allow_hosts=[{self._receiver.host}]",
        ]
        self.command = [sys.executable, "-m", "vistadream", "serve", *words]
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=120)

    def submit(self, store: Store, n: int) -> bool:
        knobs = json.dumps(VARIANTS[n % len(VARIANTS)])
        try:
            self._register()
            for _ in range(2):
                files = {"file": ("photo.png", SAMPLE.read_bytes())}
                headers = {"Idempotency-Key": str(n)}
                answer = self._http.post("/predict", data={"knobs": knobs}, files=files, headers=headers)
                answer.raise_for_status()
        except httpx.HTTPError:  # it was killed, or is not up yet
            return False
        return True

    def untold(self, ids: Collection[str], latest_s: float) -> int:
        """Waits for the last messages; jobs without one, or with two that are not the same, and wrong signatures."""
        while set(ids) - self._receiver.jobs.keys() and time.monotonic() < latest_s:
            time.sleep(0.5)
        self._receiver.close()
        once = {job for job, messages in self._receiver.jobs.items() if len(messages) == 1}
        return len(set(ids) - once) + self._receiver.refused

    def _register(self) -> None:
        """Registers the receiver for the ends of all jobs; an endpoint whose secret was lost is removed."""
        if self._receiver.secret is not None:
            return
        for row in self._http.get("/webhooks").raise_for_status().json()["webhooks"]:
            self._http.delete(f"/webhooks/{row['id']}").raise_for_status()
        asked = {"url": f"http://{self._receiver.host}/"}
        self._receiver.secret = self._http.post("/webhooks", json=asked).raise_for_status().json()["secret"]


def scene_of(run: Path) -> str:
    """The digest of the scene and of every view of a run."""
    files = sorted([*run.rglob("*.ply"), *run.rglob("*.png"), *run.rglob("*.npy")])
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def unbroken(folder: Path) -> list[str]:
    """The digests of all variants in a process that nobody kills."""
    code = "import sys, pathlib; from vistadream.workers.carry_out import carry_out as do\n"
    jobs = [[*words_of(variant), f"image={SAMPLE}"] for variant in VARIANTS]
    code += f"for n, words in enumerate({jobs!r}): do('single_img', words, pathlib.Path(sys.argv[1]) / str(n))"
    subprocess.run([sys.executable, "-c", code, folder], check=True)
    return [scene_of(folder / str(n)) for n in range(len(VARIANTS))]


def soak(
    data: Path,
    jobs: int,
    worker_kills_s: tuple[float, float] = (5, 20),
    server_kills_s: tuple[float, float] = (60, 120),
    workers: int = 1,
    seed: int = 0,
    latest_s: float = LATEST_S,
    kind: type[Service] = Service,
) -> dict[str, Any]:
    """Has `jobs` jobs done while processes are killed, and returns what was found in the end."""
    wanted, chance = unbroken(data.with_name(f"{data.name}-unbroken")), random.Random(seed)
    (data / "jobs").mkdir(parents=True)
    store = Store(database_url(data))
    with sqlite3.connect(data / "queue.db") as direct:
        direct.executescript(_LOG)
    on_worker, on_server = Clock(worker_kills_s, chance), Clock(server_kills_s, chance)
    service, began = kind(data, workers), time.monotonic()
    service.start()
    try:
        kills = _kill_while_it_works(store, jobs, service, on_worker, on_server, began + latest_s)
        untold = service.untold([row.id for row in _rows(store)], min(began + latest_s, time.monotonic() + _TOLD_S))
    finally:
        service.look()
        service.process.terminate()
        service.process.wait(30)
    seconds = round(time.monotonic() - began)
    told = {} if untold is None else {"without one webhook": untold}
    return {"jobs": jobs, "seconds": seconds, "kills": dict(kills), **told, **_found(store, data, wanted, service)}


def _kill_while_it_works(
    store: Store, jobs: int, service: Service, on_worker: Clock, on_server: Clock, latest_s: float
) -> Counter[str]:
    """Adds jobs and kills processes until all jobs have ended; how often it killed what."""
    kills: Counter[str] = Counter()
    added = 0
    while time.monotonic() < latest_s and (added < jobs or store.counts().keys() & {"queued", "running"}):
        if added < jobs and added < 10 + store.counts().get("done", 0):
            added += service.submit(store, added)
        attempts = _attempts(store)
        if (found := service.look()) and on_worker.rings(attempts):
            on_worker.chance.choice(found).kill()
            kills["workers"] += 1
        if on_server.rings(attempts):
            service.kill()
            service.start()
            kills["servers"] += 1
        time.sleep(0.2)
    return kills


def _attempts(store: Store) -> int:
    """How many attempts have begun."""
    with store.database.reading() as connection:
        return connection.scalar(select(func.coalesce(func.sum(table.c.attempt), 0)))


def _rows(store: Store) -> list[JobRow]:
    rows: list[JobRow] = []
    while page := store.page(before=rows[-1].id if rows else None, limit=500):
        rows += page
    return rows


def _found(store: Store, data: Path, wanted: list[str], service: Service) -> dict[str, Any]:
    rows = _rows(store)
    with sqlite3.connect(data / "queue.db") as direct:
        ends = Counter(id for (id,) in direct.execute("select id from ended"))
        intact = direct.execute("pragma integrity_check").fetchone()[0]
    runs = {row.idempotency_key: data / "jobs" / row.id / "run" for row in rows}
    return {
        "states": store.counts(),
        "different keys": len({row.idempotency_key for row in rows}),
        "rows": len(rows),
        "finished twice": sum(count > 1 for count in ends.values()),
        "attempts": sum(row.attempt for row in rows),
        "other bytes": sum(scene_of(run) != wanted[int(n) % len(wanted)] for n, run in runs.items()),
        "half files": sum(len(drafts(run)) for run in runs.values()),
        "stray processes": service.stray(),
        "integrity_check": intact,
        "errors": sorted({row.error for row in rows if row.error}),
    }


def holds(found: dict[str, Any]) -> bool:
    """Whether nothing was lost, doubled, changed, or left behind."""
    nothing = ("finished twice", "other bytes", "half files", "stray processes")
    nothing += tuple(found.keys() & {"without one webhook"})
    whole = found["states"] == {"done": found["jobs"]} and found["different keys"] == found["rows"] == found["jobs"]
    return whole and not any(found[name] for name in nothing) and found["integrity_check"] == "ok"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--worker-kills", type=float, nargs=2, default=(5, 20))
    parser.add_argument("--server-kills", type=float, nargs=2, default=(60, 120))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--http", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kind = HttpService if asked.http else Service
        data = Path(folder) / "data"
        found = soak(
            data, asked.jobs, tuple(asked.worker_kills), tuple(asked.server_kills), asked.workers, asked.seed, kind=kind
        )
    print(json.dumps(found, indent=2))
    return 0 if holds(found) else 1


if __name__ == "__main__":
    sys.exit(main())
