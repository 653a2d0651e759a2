"""A batch under kill -9: every item published once, with the bytes of an unkilled batch, and nothing left over.

Run: python benchmarks/batch_soak.py [--images 1000] [--engine local] [--workers 2] [--worker-kills 5 15]
     [--driver-kills 60 120] [--most-kills 10]
The smallest job that there is, on pictures that differ. Workers and the driver are killed after random times of these
ranges, in seconds, that count from when an attempt has begun since the last kill, however long the machine takes to
start one. A driver that was killed is started again by the same command. Some of the pictures are worked on once more
in this process, which nobody kills; their results must have the same bytes. Prints one JSON object, and ends with 1
where anything of this does not hold.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from kill_clock import Clock
from PIL import Image

import vistadream
from vistadream.batch.events import EventReader
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item
from vistadream.batch.report.writer import write_report
from vistadream.batch.storage import LocalStorage
from vistadream.batch.work import work_on
from vistadream.formats.files import drafts, sha256_of

WORDS = (
    "stage=no-outpaint",
    "max_resolution=32",
    "recipe=quick",
    "stages.initialize.steps=1",
    "export=[gaussians,metrics]",
    "flight.frames=1",
)
"""The smallest job that there is."""
LATEST_S = 3 * 3600
_SAMPLE = Path(vistadream.__file__).parent / "assets" / "sample.png"
_ENDING_S = 30
_LOOK_S = 0.2


def draw_pictures(folder: Path, count: int) -> None:
    """Small pictures, no two of which have the same bytes."""
    folder.mkdir(parents=True)
    with Image.open(_SAMPLE) as sample:
        small = sample.convert("RGB").resize((48, 32))
    for number in range(count):
        small.putpixel((0, 0), (number % 256, number // 256 % 256, number // 65_536))
        small.save(folder / f"{number:06d}.png")


class Driver:
    """`vistadream batch` in a process, which is started again when it was killed."""

    def __init__(self, images: Path, out: Path, words: tuple[str, ...]):
        own = (f"images={images}", f"out={out}", "batch.deaths=1000")  # the pictures are not to blame
        self._command = [sys.executable, "-m", "vistadream", "batch", *own, *WORDS, *words]
        self.process = self._started()

    def _started(self) -> subprocess.Popen:
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def kill_and_start_again(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._started()

    def workers(self) -> list[psutil.Process]:
        """The worker processes of the driver that are alive."""
        try:
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [child for child in children if "worker" in child.cmdline()]
        except psutil.Error:
            return []


class Seen:
    """What the workers say of themselves in their events."""

    def __init__(self, folder: BatchFolder):
        self._events, self._pids = EventReader(folder), set[int]()
        self._attempts = 0

    def attempts(self) -> int:
        """How many have begun so far."""
        for event in self._events.new():
            self._attempts += event["event"] == "began"
            if event["event"] == "started":
                self._pids.add(event["pid"])
        return self._attempts

    def stray(self) -> int:
        """How many workers are still alive a while after the last driver has ended."""
        self.attempts()
        return len(psutil.wait_procs([worker for pid in self._pids for worker in _workers_of(pid)], _ENDING_S)[1])


def _workers_of(pid: int) -> list[psutil.Process]:
    """The worker of that number, unless it has ended, or another program has got its number since."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process] if {"batch", "worker"} <= set(process.cmdline()) else []
    return []


def soak(
    root: Path,
    images: int,
    words: tuple[str, ...] = ("workers=2",),
    worker_kills_s: tuple[float, float] = (5, 15),
    driver_kills_s: tuple[float, float] = (60, 120),
    most_kills: int = 10**9,
    seed: int = 0,
    latest_s: float = LATEST_S,
    compared: int = 40,
) -> dict[str, Any]:
    """Runs the batch while processes are killed, and returns what was found in the end.

    `compared`: how many items are compared with runs that nobody kills.
    """
    draw_pictures(root / "pictures", images)
    folder, chance = BatchFolder(root / "scenes"), random.Random(seed)
    clocks = {"workers": Clock(worker_kills_s, chance), "drivers": Clock(driver_kills_s, chance)}
    began = time.monotonic()
    driver = Driver(root / "pictures", folder.root, words)
    seen = Seen(folder)
    kills = _kill_while_it_works(driver, seen, clocks, most_kills, began + latest_s)
    about = {"images": images, "seconds": round(time.monotonic() - began), "kills": dict(kills)}
    stray = {"stray processes": seen.stray()}
    return {**about, **stray, **_found(root, folder, driver, compared)}


def _kill_while_it_works(
    driver: Driver, seen: Seen, clocks: dict[str, Clock], most: int, latest_s: float
) -> Counter[str]:
    kills: Counter[str] = Counter()
    while driver.process.poll() is None and time.monotonic() < latest_s and kills.total() < most:
        attempts = seen.attempts()
        if clocks["workers"].rings(attempts) and (workers := driver.workers()):
            clocks["workers"].chance.choice(workers).kill()
            kills["workers"] += 1
        if clocks["drivers"].rings(attempts):
            driver.kill_and_start_again()
            kills["drivers"] += 1
        time.sleep(_LOOK_S)
    try:
        driver.process.wait(max(0.0, latest_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        driver.process.kill()
        driver.process.wait()
    return kills


def _found(root: Path, folder: BatchFolder, driver: Driver, compared: int) -> dict[str, Any]:
    write_report(folder)
    report = json.loads(folder.report_json.read_text())
    published = {file.parent.name: json.loads(file.read_text()) for file in folder.items.glob("*/*/item.json")}
    return {
        "exit code": driver.process.returncode,
        "published": len(published),
        "pictures published": len({name for item in published.values() for name in item["names"]}),
        "given up": report["counts"]["given_up"],
        "attempts": sum(place["attempts"] for place in report["devices"]),
        "left in work": len([*folder.work.iterdir()]) if folder.work.is_dir() else 0,
        "half files": len(drafts(folder.root)),
        "wrong digests": sum(not _is_whole(folder, item) for item in published.values()),
        "other bytes": _other_bytes(root, published, compared),
        "images an hour": report["speed"]["images_an_hour"],
        "repeated": report["repeated"],
    }


def _is_whole(folder: BatchFolder, item: dict[str, Any]) -> bool:
    """Whether the files of an item are those that its item.json names, by their digests."""
    digests = item["files"] | item["of_the_run"]
    return all(sha256_of(folder.item(item["id"]) / name) == digest for name, digest in digests.items())


def _other_bytes(root: Path, published: dict[str, Any], compared: int) -> int:
    """How many of some items have other bytes than a run that nobody kills."""
    folder = BatchFolder(root / "unkilled")
    folder.items.mkdir(parents=True)
    some = list(published.values())[:: max(1, len(published) // compared)]
    return sum(_unkilled(folder, about) != about["files"] for about in some)


def _unkilled(folder: BatchFolder, about: dict[str, Any]) -> dict[str, str]:
    """The digests of an item that is worked on in this process."""
    item = Item(about["id"], tuple(about["names"]), tuple(about["words"]))
    folder.attempt(item.id, 1).mkdir(parents=True)
    work_on(item, 1, folder, LocalStorage(folder.root))
    return json.loads((folder.item(item.id) / "item.json").read_text())["files"]


def holds(found: dict[str, Any], most_repeated: float = 0.15) -> bool:
    """Whether nothing was lost, doubled, changed, left behind, or done again too often."""
    whole = found["exit code"] == 0 and found["published"] == found["pictures published"] == found["images"]
    nothing = ("given up", "left in work", "half files", "stray processes", "wrong digests", "other bytes")
    return whole and not any(found[name] for name in nothing) and (found["repeated"]["share"] or 0) <= most_repeated


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--engine", default="local")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--worker-kills", type=float, nargs=2, default=(5, 15), metavar="SECONDS")
    parser.add_argument("--driver-kills", type=float, nargs=2, default=(60, 120), metavar="SECONDS")
    parser.add_argument("--most-kills", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    words = (f"engine={asked.engine}", f"workers={asked.workers}")
    kills = {"worker_kills_s": tuple(asked.worker_kills), "driver_kills_s": tuple(asked.driver_kills)}
    with tempfile.TemporaryDirectory() as folder:
        found = soak(Path(folder), asked.images, words, most_kills=asked.most_kills, seed=asked.seed, **kills)
    print(json.dumps(found, indent=2))
    return 0 if holds(found) else 1


if __name__ == "__main__":
    sys.exit(main())
