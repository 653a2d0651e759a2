"""The service on a real Ray cluster while replicas and workers' actors are killed: no job is lost.

Run: python benchmarks/ray_serve.py --database-env QUEUE_URL [--jobs 100] [--kills 5 20]
QUEUE_URL names an empty database of PostgreSQL. One node with places for two workers, two replicas, the smallest job.
A replica and an actor are killed in turn until all jobs have ended. Before each kill there is a wait of a random number
of seconds in the range --kills, which begins with the first attempt after the kill before. Prints one JSON object, and
ends with 1 unless each job is done.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import psutil
from batch_sites import RayCluster, a_cluster, free_port
from kill_clock import Clock

from vistadream.assets import sample_image

KNOBS = {"stage": "no-outpaint", "max_resolution": 32, "recipe": "quick", "stages.initialize.steps": 1}
"""The smallest job that there is."""
_TOKEN = "RAY_AUTH_TOKEN_PATH"
_ENDED = ("done", "failed", "cancelled")
_STARTS_WITHIN_S, _LATEST_S = 180, 3600


def processes(cluster: RayCluster, name: str) -> list[psutil.Process]:
    """Those of the cluster's actors of that name."""
    found = [each for each in psutil.process_iter(["cmdline"]) if f"ray::{name}" in (each.info["cmdline"] or [""])[0]]
    return [each for each in found if each.environ().get(_TOKEN) == cluster.environment[_TOKEN]]


def submit(client: httpx.Client, number: int) -> None:
    """Puts a job into the queue; a request that breaks off is sent again and makes no second job."""
    while True:
        try:
            answer = client.post(
                "/v1/predict",
                files={"file": ("sample.png", sample_image().read_bytes())},
                data={"knobs": json.dumps({**KNOBS, "seed": number})},
                headers={"Idempotency-Key": str(number)},
            )
            if answer.status_code in (200, 202):
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)


def states(client: httpx.Client) -> list[dict[str, Any]]:
    """All jobs; none where no replica answers."""
    try:
        return client.get("/v1/jobs", params={"limit": 500}).json()["jobs"]
    except (httpx.HTTPError, ValueError, KeyError):
        return []


def kill_until_all_ended(client: httpx.Client, cluster: RayCluster, jobs: int, clock: Clock) -> Counter[str]:
    """How many processes were killed, by what they were."""
    names, kills, end_s = cycle(("Host", "ServeReplica")), Counter[str](), time.monotonic() + _LATEST_S
    while time.monotonic() < end_s:
        found = states(client)
        if sum(job["state"] in _ENDED for job in found) == jobs:
            break
        if clock.rings(sum(job["attempts"] for job in found)) and (alive := processes(cluster, name := next(names))):
            alive[0].send_signal(signal.SIGKILL)
            kills[name] += 1
        time.sleep(0.5)
    return kills


def measure(cluster: RayCluster, data: Path, variable: str, jobs: int, clock: Clock) -> dict[str, Any]:
    """Serves, submits and kills; what was found in the end."""
    port = free_port()
    words = (f"port={port}", f"data={data}", f"database_env={variable}", f"ray.address={cluster.address}")
    command = [sys.executable, "-m", "vistadream", "serve", "engine=ray", "ray.replicas=2", *words]
    own = ("min_free_gb=0", "drain_s=0", "cache.enabled=false", f"worker_deaths={jobs}")
    environment = {**os.environ, **cluster.environment}
    driver = subprocess.Popen([*command, *own], env=environment, stdout=subprocess.DEVNULL)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        _wait_for(client)
        began_s = time.monotonic()
        for number in range(jobs):
            submit(client, number)
        kills = kill_until_all_ended(client, cluster, jobs, clock)
        found, seconds = states(client), time.monotonic() - began_s
    driver.terminate()
    ended = Counter(job["state"] for job in found)
    attempts = sum(job["attempts"] for job in found)
    about = {"jobs": len(found), "states": ended, "attempts": attempts, "kills": kills, "seconds": round(seconds, 1)}
    return about | {"exit_code": driver.wait(120), "holds": ended == {"done": jobs}}


def _wait_for(client: httpx.Client) -> None:
    end_s = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end_s:
        try:
            if client.get("/v1/ready").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise TimeoutError("the service does not start")


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database-env", required=True)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--kills", type=float, nargs=2, default=(5, 20))
    asked = parser.parse_args()
    clock = Clock(tuple(asked.kills), random.Random(0))
    with (
        tempfile.TemporaryDirectory(prefix="vistadream-ray-serve-") as folder,
        a_cluster(num_cpus=2, num_gpus=2) as here,
    ):
        found = measure(here, Path(folder) / "data", asked.database_env, asked.jobs, clock)
    print(json.dumps(found, indent=1))
    return int(not found["holds"])


if __name__ == "__main__":
    sys.exit(main())
