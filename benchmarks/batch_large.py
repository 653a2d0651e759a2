"""How long do a second start, status and report of a large finished batch take, and how much memory?

Run: python benchmarks/batch_large.py [--items 100000]
The pictures are files of a few bytes, and their items have an item.json alone: nothing is computed. A first start is
ended when it has listed all pictures; its plan says the ids. Prints one line of JSON for each figure.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from vistadream.batch.events import Events
from vistadream.batch.folder import BatchFolder
from vistadream.batch.plan import PlanReader

FIGURES = {"input_psnr_db": 31.5, "input_ssim": 0.95, "input_alpha_mean": 0.99, "path_hole_ratio": {"largest": 0.001}}
STAGES = {"start": 0.5, "load": 0.1, "outpaint": 2.5, "initialize": 7.5, "coarse": 4.1, "refine": 20.4, "delivery": 3.0}


def make_pictures(folder: Path, count: int) -> None:
    """Files of different bytes in folders of a thousand."""
    for number in range(count):
        if number % 1000 == 0:
            (folder / f"{number // 1000:04d}").mkdir(parents=True)
        (folder / f"{number // 1000:04d}" / f"{number:07d}.png").write_bytes(number.to_bytes(4, "big"))


def list_once(command: list[str], folder: BatchFolder) -> float:
    """Starts the batch and ends it once all pictures are listed; seconds until then."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not is_listed(folder):
        time.sleep(0.2)
    seconds = time.monotonic() - began
    process.terminate()
    process.wait()
    return seconds


def is_listed(folder: BatchFolder) -> bool:
    """Whether the plan has its last line."""
    if not folder.plan.exists():
        return False
    with folder.plan.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - 200))
        return b'{"end"' in stream.read()


def publish_all(folder: BatchFolder) -> int:
    """Makes the items of the plan and the events of their attempts, as if four workers had worked on them."""
    shutil.rmtree(folder.quarantine, ignore_errors=True)  # the first start had begun with some
    workers = [Events(folder, f"cpu{n}-0", "node1", "cpu") for n in range(4)]
    plan, facts = PlanReader(folder.plan), {"node": "node1", "device": "cpu", "stages": STAGES, "figures": FIGURES}
    for count, item in enumerate(iter(plan.next, None)):
        about = {"id": item.id, "names": item.names, "seconds": 38.1, "ended": 1e9 + 5 * count, "bytes": 20_000_000}
        folder.item(item.id).mkdir(parents=True)
        (folder.item(item.id) / "item.json").write_text(json.dumps(about | facts | {"files": {}}))
        worker, who = workers[count % 4], {"id": item.id, "attempt": 1}
        worker.add("began", **who, at_s=about["ended"] - about["seconds"])
        worker.add("ended", **who, at_s=about["ended"], state="done", seconds=about["seconds"])
        worker.add("published", **who, at_s=about["ended"])
    return count + 1


def timed(command: list[str]) -> tuple[float, float, str]:
    """Wall and processor seconds of a command, and its last line."""
    before, began = _cpu_s(), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.monotonic() - began, _cpu_s() - before, done.stdout.strip().splitlines()[-1]


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(root: Path, items: int) -> Iterator[dict[str, object]]:
    """One dictionary for each figure."""
    folder = BatchFolder(root / "scenes")
    make_pictures(root / "pictures", items)
    batch = [sys.executable, "-m", "vistadream", "batch"]
    start = [*batch, f"images={root / 'pictures'}", f"out={folder.root}", "stage=no-outpaint"]
    yield {"first start": "listed", "wall_s": round(list_once(start, folder), 1)}
    published = publish_all(folder)
    status, report = ([*batch, word, str(folder.root)] for word in ("status", "report"))
    commands = {"status, index made": status, "status": status, "second start": start, "report": report}
    for name, command in commands.items():
        wall_s, cpu_s, last = timed(command)
        figures = {"wall_s": round(wall_s, 1), "processor_s": round(cpu_s, 1), "items": published}
        most_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        yield {"what": name, **figures, "largest process so far, MB": round(most_mb), "said": last[-80:]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for figure in measured(Path(folder), asked.items):
            print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
