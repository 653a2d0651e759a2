"""How fast `vistadream serve` answers, starts and ends, each figure with the load of the machine at that moment.

Run: python benchmarks/service_load.py [answers] [ends] [--queued 10000] [--clients 16] [--rate 300] [--seconds 10]
Prints a line of JSON for each figure. Latencies are in milliseconds: p50 and p99 of each request, and with them those
of the smallest answer that there is, a 404, in the same turn, as both wait for the same processor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import insert

import vistadream
from vistadream.service.queue.claims import database_url, open_queue
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, jobs, new_id, values_of
from vistadream.workers.queue import Outcome

SAMPLE = Path(vistadream.__file__).parent / "assets" / "sample.png"
SMALLEST = {"stage": "no-outpaint", "max_resolution": 32, "recipe": "quick", "flight.frames": 1}
LONG = {"stage": "fine", "max_resolution": 96, "stages.initialize.steps": 4000}
SMALL_ANSWER = "/v1/nothing"
STREAMS = 20


class Server:
    """A service of its own, and how long it took until it took jobs."""

    def __init__(self, data: Path, workers: int, *words: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        own = [f"data={data}", f"port={self.port}", f"workers={workers}", "min_free_gb=0", "drain_s=0"]
        own += ["cache.enabled=false", "limits.read_per_minute=null", "limits.submit_per_minute=null"]
        began_s = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vistadream", "serve", *own, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=120, trust_env=False)
        self.wait(lambda: self.client.get("/v1/ready").status_code == 200)
        self.start_s = time.perf_counter() - began_s
        self.processor_s = sum(psutil.Process(self.process.pid).cpu_times()[:2])

    def wait(self, holds: Callable[[], bool], within_s: float = 300) -> None:
        """Until something holds, which may fail with an error of the connection before."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            try:
                if holds():
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise TimeoutError

    def rss_mb(self) -> float:
        return round(psutil.Process(self.process.pid).memory_info().rss / 1e6, 1)

    def submit(self, knobs: dict[str, Any]) -> dict[str, Any]:
        parts = {"knobs": json.dumps(knobs)}
        files = {"file": ("photo.png", SAMPLE.read_bytes())}
        return self.client.post("/v1/predict", data=parts, files=files).raise_for_status().json()

    def end(self, number: int = signal.SIGTERM) -> float:
        """Seconds from a signal to the end of the process."""
        began_s = time.perf_counter()
        self.process.send_signal(number)
        self.process.wait(60)
        return time.perf_counter() - began_s


def milliseconds(seconds: list[float]) -> dict[str, float]:
    """p50 and p99."""
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50": round(cuts[49] * 1e3, 1), "p99": round(cuts[98] * 1e3, 1)}


def in_turns(acts: dict[str, Callable[[], object]], times: int) -> dict[str, Any]:
    """Calls each of the acts in turn, again and again."""
    took: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(times):
        for name, act in acts.items():
            began_s = time.perf_counter()
            act()
            took[name].append(time.perf_counter() - began_s)
    return {name: milliseconds(seconds) for name, seconds in took.items()}


def load(port: int, path: str, clients: int, rate: float, seconds: float) -> list[float]:
    """Seconds of requests that are sent at fixed times by clients with a connection each.

    They count from when a request was due, so that a slow answer is not hidden by the requests that wait for it.
    """
    took: list[float] = []

    async def client(n: int, began_s: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for k in range(int(seconds * rate / clients)):
            due_s = began_s + (k * clients + n) / rate
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            took.append(time.perf_counter() - due_s)
        writer.close()

    async def all_clients() -> None:
        began_s = time.perf_counter() + 0.5
        await asyncio.gather(*(client(n, began_s) for n in range(clients)))

    asyncio.run(all_clients())
    return took


def say(name: str, **found: Any) -> None:
    """Prints a figure, with the number of processes that wanted a core during the last minute."""
    print(json.dumps({name: found, "load": round(os.getloadavg()[0], 1)}), flush=True)


def fill(data: Path, count: int) -> None:
    """A queue of the given number of jobs, of which the first can be begun."""
    ids = sorted(new_id() for _ in range(count))
    (data / "jobs" / ids[0]).mkdir(parents=True)
    store, row = Store(database_url(data)), JobRow("", input_name=SAMPLE.name, owner="local", created_s=time.time())
    with store.database.writing() as connection:
        connection.execute(insert(jobs), [values_of(row) | {"id": id} for id in ids])
    store.close()


def answers(data: Path, asked: argparse.Namespace) -> None:
    """A long queue, without a worker: pages, uploads, claims, and a status asked for by many."""
    fill(data, asked.queued)
    server = Server(data, workers=0)
    get, first = server.client.get, server.submit(SMALLEST)["id"]
    acts: dict[str, Callable[[], object]] = {
        "a 404": lambda: get(SMALL_ANSWER),
        "status": lambda: get(f"/v1/jobs/{first}"),
        "page of 100": lambda: get("/v1/jobs?limit=100"),
        "submit": lambda: server.submit(SMALLEST),
    }
    say("idle", rss_mb=server.rss_mb())
    say("one client", **in_turns(acts, asked.times))
    queue = open_queue(database_url(data), data)
    say("worker", **claims(queue, asked.times))
    many_clients(server, first, asked)
    say("upload of 200 MB", **upload(server))
    server.end()


def claims(queue: Any, times: int) -> dict[str, Any]:
    """A job is taken and given back, again and again; each of these is one transaction on the disk."""
    taken: list[Any] = []
    acts: dict[str, Callable[[], object]] = {
        "claim": lambda: taken.append(queue.take("benchmark")),
        "give back": lambda: queue.settle(taken.pop(), Outcome("interrupted")),
    }
    return in_turns(acts, times)


def many_clients(server: Server, job_id: str, asked: argparse.Namespace) -> None:
    process = psutil.Process(server.process.pid)
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        for name, path in (("a 404", SMALL_ANSWER), ("status", f"/v1/jobs/{job_id}")):
            before_s = sum(process.cpu_times()[:2])
            took = other.submit(load, server.port, path, asked.clients, asked.rate, asked.seconds).result()
            used_s = sum(process.cpu_times()[:2]) - before_s
            how = {"clients": asked.clients, "per_s": asked.rate, "processor_ms": round(used_s / len(took) * 1e3, 2)}
            say(f"{name} for many", **milliseconds(took), **how)


def upload(server: Server) -> dict[str, float]:
    """How much memory the service takes while it reads a large file, which is refused in the end."""
    before, most, ended = server.rss_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            most[0] = max(most[0], server.rss_mb())

    watching = threading.Thread(target=watch)
    watching.start()
    status = server.client.post("/v1/predict", files={"file": ("x.png", b"x" * 200_000_000)}).status_code
    ended.set()
    watching.join()
    return {"status": status, "more_mb": round(most[0] - before, 1)}


def ends(data: Path, asked: argparse.Namespace) -> None:
    """A service with a worker: its start, the way back after all was killed, cancel, and the end of streams."""
    server = Server(data, workers=1)
    say("start", seconds=round(server.start_s, 2), of_processor=round(server.processor_s, 2))
    job_id = server.submit(LONG)["id"]
    server.wait(lambda: server.client.get(f"/v1/jobs/{job_id}").json()["progress"] is not None)
    found = psutil.Process(server.process.pid)
    for process in (found, *found.children(recursive=True)):
        process.kill()
    began_s = time.perf_counter()
    server.process.wait()
    server = Server(data, workers=1)
    server.wait(lambda: server.client.get(f"/v1/jobs/{job_id}").json()["attempts"] == 2)
    say("from kill -9 of all to the job going on", seconds=round(time.perf_counter() - began_s, 2))
    began_s = time.perf_counter()
    server.client.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
    server.wait(lambda: server.client.get(f"/v1/jobs/{job_id}").json()["state"] == "cancelled")
    say("cancel", seconds=round(time.perf_counter() - began_s, 2))
    server.end()
    end_with_streams(data)


def end_with_streams(data: Path) -> None:
    server = Server(data, workers=0)
    waiting = server.submit(SMALLEST)["id"]
    streams = [threading.Thread(target=listen, args=(server, waiting)) for _ in range(STREAMS)]
    for stream in streams:
        stream.start()
    server.wait(lambda: server.client.get("/v1/stats").json()["listeners"] == STREAMS)
    say("end", streams=STREAMS, seconds=round(server.end(), 2))
    for stream in streams:
        stream.join()


def listen(server: Server, job_id: str) -> None:
    url = f"http://127.0.0.1:{server.port}/v1/jobs/{job_id}/events"
    with httpx.stream("GET", url, timeout=60, trust_env=False) as stream:
        assert "event: bye" in list(stream.iter_lines())


PARTS = {"answers": answers, "ends": ends}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=200, help="of each request of one client")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rate", type=float, default=300, help="requests in a second of all clients")
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args()
    for part in asked.parts:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[part](Path(folder) / "data", asked)


if __name__ == "__main__":
    main()
