"""Batches on a real Ray cluster and on a real SLURM, while nodes, drivers, tasks and workers are killed.

Run: python benchmarks/batch_engines.py [--engine ray slurm] [--ray-images 60] [--slurm-images 40]
Ray: at a third of the pictures a node is killed without grace and another one added; at a half the driver is killed and
started again by the same command. A wrong token must be refused. SLURM, an array of two tasks: a worker is killed, at a
quarter one task is put back into the queue, at a half the other one is cancelled. In the end every picture is published
once, and no work folder is left. Prints one JSON object, and ends with 1 where anything of this does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from batch_sites import Drive, RayCluster, Site, a_cluster

RAY_S = 240
"""The longest time that the batch of Ray may take."""
TWICE = 4
"""Pictures that may be begun more than once with Ray: two workers have two each when the node and the driver die."""
TASKS = ("engine=slurm", "slurm.tasks=2", "slurm.time_min=30")


def ray_words(cluster: RayCluster) -> tuple[str, ...]:
    """The words of a batch on a cluster."""
    return ("engine=ray", f"ray.address={cluster.address}")


def ray_under_kills(batch: Drive, cluster: RayCluster) -> dict[str, Any]:
    """Runs the batch while a node and the driver are killed; what was found in the end."""
    began_s = time.monotonic()
    batch.start()
    batch.until(lambda: len(batch.published()) >= batch.count // 3)
    cluster.kill()
    cluster.grow()
    batch.until(lambda: len(batch.published()) >= batch.count // 2)
    os.kill(batch.process.pid, signal.SIGKILL)
    batch.wait()
    batch.start()
    return _found(batch, began_s)


def refuses(batch: Drive) -> bool:
    """Whether a batch that shows a wrong token is refused."""
    batch.start()
    return batch.wait() == 2 and "refuses this token" in batch.said()


def slurm_under_kills(batch: Drive, site: Site) -> dict[str, Any]:
    """Runs the batch while a worker is killed, a task is put back into the queue, and the other one is cancelled."""
    began_s = time.monotonic()
    batch.start()
    batch.until(batch.workers)
    os.kill(batch.workers()[0].pid, signal.SIGKILL)
    batch.until(lambda: len(batch.published()) >= max(1, batch.count // 4))
    again, other = site.tasks()
    site.ask("scontrol", "requeue", again)
    site.begin_at_once(again)
    batch.until(lambda: len(batch.published()) >= batch.count // 2)
    site.ask("scancel", other)
    return _found(batch, began_s) | {"restarts": "Restarts=1" in site.ask("scontrol", "show", "job", again)}


def _found(batch: Drive, began_s: float) -> dict[str, Any]:
    """What there is once the batch has ended."""
    code = batch.wait(1800)
    lines = [line for file in batch.out.glob("events/*.jsonl") for line in file.read_text().splitlines()]
    begun = Counter(event["id"] for event in map(json.loads, lines) if event["event"] == "began")
    return {
        "images": batch.count,
        "exit_code": code,
        "published": len(batch.published()),
        "left_in_work": len(list((batch.out / "work").iterdir())),
        "begun_again": sum(count - 1 for count in begun.values()),
        "seconds": round(time.monotonic() - began_s, 1),
    }


def holds(found: dict[str, Any]) -> bool:
    """Whether every picture is published, and nothing is left."""
    return (found["exit_code"], found["published"], found["left_in_work"]) == (0, found["images"], 0)


def measure_ray(root: Path, images: int) -> dict[str, Any]:
    """The whole form with Ray; `holds` says whether all that is wanted is true."""
    root.mkdir()
    with a_cluster(num_cpus=0) as cluster:
        cluster.grow()
        cluster.grow()
        batch = Drive(root / "batch", images, cluster.environment, ray_words(cluster))
        stranger = Drive(root / "stranger", 1, {**cluster.environment, "RAY_AUTH_TOKEN": "0" * 64}, ray_words(cluster))
        for each in (batch, stranger):
            each.draw()
        found = ray_under_kills(batch, cluster) | {"wrong_token_refused": refuses(stranger)}
    few = found["begun_again"] <= TWICE and found["seconds"] <= RAY_S
    return found | {"holds": holds(found) and few and found["wrong_token_refused"]}


def measure_slurm(root: Path, images: int) -> dict[str, Any]:
    """The whole form with SLURM."""
    site = Site(root / "site")
    try:
        site.start()
        batch = Drive(root / "batch", images, site.environment, TASKS)
        batch.draw()
        found = slurm_under_kills(batch, site)
    finally:
        site.clear()
        site.stop()
    return found | {"holds": holds(found) and found["restarts"]}


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", nargs="+", choices=("ray", "slurm"), default=("ray", "slurm"))
    parser.add_argument("--ray-images", type=int, default=60)
    parser.add_argument("--slurm-images", type=int, default=40)
    asked = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory(prefix="vistadream-engines-") as folder:
        if "ray" in asked.engine:
            found["ray"] = measure_ray(Path(folder) / "ray", asked.ray_images)
        if "slurm" in asked.engine:
            found["slurm"] = measure_slurm(Path(folder) / "slurm", asked.slurm_images)
    print(json.dumps(found, indent=1))
    return int(not all(each["holds"] for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
