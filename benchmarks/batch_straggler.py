"""A batch one of whose workers is stopped by SIGSTOP near the end: others finish its item, and the batch ends in time.

Run: python benchmarks/batch_straggler.py [--images 60] [--engine local ray]
The smallest job, two workers. The batch runs once as it is, and once with a worker that is stopped when nine of ten
pictures are published, while it has an item, and goes on as soon as somebody else has published that item. The second
time may take 1.5 times as long, and the item must be published once. Prints one JSON object, and ends with 1 where
anything of this does not hold.
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
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
from batch_engines import ray_words
from batch_sites import Drive, a_cluster, until

from vistadream.batch.claim import owner_of

LONGER = 1.5
"""How much longer the batch may take with a worker that is stopped."""


def events(batch: Drive) -> list[dict[str, Any]]:
    """What the workers have written, as far as the lines are whole."""
    files = (batch.out / "events").glob("*.jsonl")
    lines = [line for file in files for line in file.read_text().splitlines(keepends=True)]
    return [json.loads(line) for line in lines if line.endswith("\n")]


def stop_one(batch: Drive) -> tuple[int, str]:
    """Stops a worker that has an item; the number of its process, and the item."""
    while True:
        pids = {event["worker"]: event["pid"] for event in events(batch) if event["event"] == "started"}
        for claim in (batch.out / "work").iterdir():
            id, worker = claim.name.rpartition(".")[0], owner_of(claim).get("name")
            if worker in pids and id not in batch.published():
                os.kill(pids[worker], signal.SIGSTOP)
                until(lambda pid=pids[worker]: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
                if owner_of(claim).get("name") == worker and id not in batch.published():
                    return pids[worker], id
                os.kill(pids[worker], signal.SIGCONT)  # it had just come to its end
        assert batch.process.poll() is None, batch.said()
        time.sleep(0.01)


def with_a_straggler(batch: Drive) -> dict[str, Any]:
    """Runs a batch one of whose workers is stopped; what was found in the end."""
    batch.start()
    batch.until(lambda: len(batch.published()) >= batch.count - max(2, batch.count // 10))
    pid, id = stop_one(batch)
    try:
        batch.until(lambda: id in batch.published())
    finally:
        os.kill(pid, signal.SIGCONT)
    code = batch.wait()
    of_it = Counter(event["event"] for event in events(batch) if event.get("id") == id)
    return {
        "exit_code": code,
        "published": len(batch.published()),
        "left_in_work": len(list((batch.out / "work").iterdir())),
        "of_the_item": {name: of_it[name] for name in ("began", "published", "killed")},
    }


def compared(make: Callable[[str], Drive]) -> dict[str, Any]:
    """A batch without and with a worker that is stopped."""
    seconds, found = [], dict[str, Any]()
    for name in ("plain", "stopped"):
        batch = make(name)
        batch.draw()
        began_s = time.monotonic()
        if name == "stopped":
            found = with_a_straggler(batch)
        else:
            batch.start()
            assert batch.wait() == 0, batch.said()
        seconds.append(round(time.monotonic() - began_s, 1))
    return {"seconds": seconds, "longer": round(seconds[1] / seconds[0], 2), **found}


def holds(found: dict[str, Any], images: int) -> bool:
    """Whether all is published, the item of the stopped worker once, and nothing is left."""
    whole = (found["exit_code"], found["published"], found["left_in_work"]) == (0, images, 0)
    return whole and found["of_the_item"]["published"] == 1 and found["of_the_item"]["began"] == 2


def measure(root: Path, engine: str, images: int) -> dict[str, Any]:
    """With one engine."""
    with ExitStack() as stack:
        words, environment = ("workers=2",), dict[str, str]()
        if engine == "ray":
            cluster = stack.enter_context(a_cluster(num_cpus=0))
            cluster.grow()
            cluster.grow()
            words, environment = ray_words(cluster), cluster.environment
        found = compared(lambda name: Drive(root / engine / name, images, environment, words))
    return found | {"holds": holds(found, images) and found["longer"] <= LONGER}


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--engine", nargs="+", choices=("local", "ray"), default=("local",))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vistadream-straggler-") as folder:
        found = {engine: measure(Path(folder), engine, asked.images) for engine in asked.engine}
    print(json.dumps(found, indent=1))
    return int(not all(each["holds"] for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
