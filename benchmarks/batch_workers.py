"""How many images an hour do workers do together, and what does a batch cost beyond its images?

Run: python benchmarks/batch_workers.py [--images 12] [--workers 1 2] [--times 1] [--words max_resolution=128 ...]
     python benchmarks/batch_workers.py --processor-time    on a busy machine: one worker, and no batch
     python benchmarks/batch_workers.py --of scenes/        of a batch that one worker has done, also on a busy machine
Each row is a batch of the same small pictures, with the cores shared among its workers; the last one carries out the
same pictures one after the other in one process without a batch, at the priority of a worker. Seconds count from the
first beginning to the last end of an item, without the first item of each process, which compiles and imports. All
rows are measured in turn, `--times` times over, so that what else the machine does hits them alike; the median counts.
Prints Markdown, and what a batch with one worker costs beyond its pictures. With --processor-time it prints the
processor seconds that one picture more costs all processes together. With --of it prints the share of a batch's time
that lies outside of the runs of its pictures: claims, signs of life, digests, publication, and bad pictures.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from batch_soak import WORDS, draw_pictures

from vistadream.batch.folder import BatchFolder
from vistadream.batch.index import opened
from vistadream.workers.slots import slots

_ALONE = """
import json, os, pathlib, sys, time
os.nice(10)
from vistadream.workers.carry_out import carry_out
ends = [time.time()]
for number, picture in enumerate(sorted(pathlib.Path(sys.argv[1]).iterdir())):
    carry_out("single_img", [*sys.argv[3:], f"image={picture}"], pathlib.Path(sys.argv[2]) / str(number))
    ends.append(time.time())
print(json.dumps(ends))
"""


def of_batch(pictures: Path, root: Path, workers: int, words: list[str]) -> float:
    """Images an hour of a batch once each of its processes has done its first."""
    folder = BatchFolder(Path(tempfile.mkdtemp(dir=root)) / "scenes")
    command = [sys.executable, "-m", "vistadream", "batch", f"images={pictures}", f"out={folder.root}"]
    subprocess.run([*command, f"workers={workers}", *words], check=True, stdout=subprocess.DEVNULL)
    by_worker = defaultdict[str, list[float]](list)
    with opened(folder) as index:
        for row in index.rows("select worker, ended from attempts where state = 'done' order by ended"):
            by_worker[row["worker"]].append(row["ended"])
    warm_s = max(ends[0] for ends in by_worker.values())
    later = [end for ends in by_worker.values() for end in ends if end > warm_s]
    return 3600 * len(later) / (max(later) - warm_s)


def outside_share(folder: BatchFolder) -> float:
    """The share of a worker's time, from its first beginning to its last end, that no run of a picture took."""
    with opened(folder) as index:
        rows = index.rows(
            "select began, a.ended, seconds from attempts a join items i on i.id = a.id where state = 'done' "
            "order by began"
        )
    return 1 - sum(row["seconds"] for row in rows) / (rows[-1]["ended"] - rows[0]["began"])


def alone(pictures: Path, root: Path, words: list[str]) -> float:
    """Images an hour of the same pictures in one process, without its first."""
    command = [sys.executable, "-c", _ALONE, pictures, tempfile.mkdtemp(dir=root), *words]
    ends = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    return 3600 * (len(ends) - 2) / (ends[-1] - ends[1])


def processor_s(run: Callable[[Path, Path, list[str]], object], few: int, many: int, words: list[str]) -> float:
    """Processor seconds that one picture more costs, from a run with few and one with many."""
    found = []
    for images in (few, many):
        with tempfile.TemporaryDirectory() as folder:
            draw_pictures(Path(folder) / "pictures", images)
            before = _cpu_s()
            run(Path(folder) / "pictures", Path(folder), words)
            found.append(_cpu_s() - before)
    return (found[1] - found[0]) / (many - few)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(root: Path, images: int, workers: list[int], times: int, words: list[str]) -> dict[int, list[float]]:
    """Images an hour of each round by the number of workers; 0: without a batch."""
    draw_pictures(root / "pictures", images)
    rates = defaultdict[int, list[float]](list)
    for _ in range(times):
        for count in workers:
            rates[count].append(of_batch(root / "pictures", root, count, words))
        rates[0].append(alone(root / "pictures", root, words))
    return rates


def table(rates: dict[int, list[float]]) -> Iterator[str]:
    """The lines of Markdown."""
    yield "| workers | threads of each | images an hour | lowest, highest |\n|---|---|---|---|"
    for count, each in rates.items():
        threads = slots(count, gpus=[])[0].environment["OMP_NUM_THREADS"] if count else "all"
        name = str(count) if count else "one process, no batch"
        yield f"| {name} | {threads} | {median(each):,.0f} | {min(each):,.0f}, {max(each):,.0f} |"
    if 1 in rates:
        shares = [without / batch - 1 for batch, without in zip(rates[1], rates[0], strict=True)]
        yield f"A batch with one worker takes {median(shares):+.1%} of the time (median of {len(shares)} pairs)."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--words", nargs="*", default=list(WORDS))
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--of", type=Path)
    asked = parser.parse_args()
    if asked.of:
        print(f"{outside_share(BatchFolder(asked.of)):.1%} of the time of the batch lies outside of its runs")
        return
    if asked.processor_time:
        runs = {"one worker": lambda pictures, root, words: of_batch(pictures, root, 1, words), "no batch": alone}
        for name, run in runs.items():
            seconds = processor_s(run, asked.images // 3, asked.images, asked.words)
            print(f"{name}: {seconds:.2f} processor seconds for one picture more", flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        rates = measured(Path(folder), asked.images, asked.workers, asked.times, asked.words)
    print("\n".join(table(rates)))


if __name__ == "__main__":
    main()
