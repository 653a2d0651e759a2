"""What the main job reaches: seconds, memory, fidelity, holes.

Run: python benchmarks/pipeline.py [--photos office living_room opera_house_a]
Needs VISTADREAM_TEST_DATA; prints Markdown for docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kitchen


class Stopwatch:
    """Seconds spent inside wrapped calls; nested ones count once."""

    def __init__(self) -> None:
        self.seconds, self._depth, self._begun = 0.0, 0, 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        if self._depth == 0:
            self._begun = time.perf_counter()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.seconds += time.perf_counter() - self._begun

    def wrap(self, call: Callable) -> Callable:
        def timed(*arguments: Any, **named: Any) -> Any:
            with self.running():
                return call(*arguments, **named)

        return timed


def measure(words: list[str]) -> dict:
    """One run in this (fresh) process: wall seconds from its start, seconds at work, peak memory, folder, metrics."""
    begun = time.perf_counter()
    sys.stdout = sys.stderr  # the run's own lines stay out of the tables
    from vistadream import app
    from vistadream.backends.depth.embedded import EmbeddedDepth
    from vistadream.backends.outpaint.embedded import EmbeddedOutpainter
    from vistadream.backends.render.cpu import CpuRenderer
    from vistadream.stages import coarse, initialize, refine

    work = Stopwatch()
    for target, name in [
        (EmbeddedDepth, "__call__"),
        (EmbeddedOutpainter, "__call__"),
        (CpuRenderer, "__call__"),
        (initialize, "fit"),
        (coarse, "fit"),
        (refine, "fit"),
    ]:
        setattr(target, name, work.wrap(getattr(target, name)))
    made = app.run(words)
    wall = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"wall": wall, "work": work.seconds, "peak": peak, "folder": str(made.folder), "metrics": made.metrics}


def in_new_process(words: list[str]) -> dict:
    """`measure` in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, [words])


def import_seconds() -> float:
    """Seconds that `import vistadream` adds to `import torch`; the least of five."""
    code = "import torch, time; t = time.perf_counter(); import vistadream; print(time.perf_counter() - t)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))


def input_psnrs(folder: Path) -> dict[str, float]:
    """PSNR of the photo's own view after every stage."""
    import torch

    from vistadream.backends.render.cpu import CpuRenderer
    from vistadream.ops.metrics import psnr
    from vistadream.run_folder import STAGES, RunFolder

    found = {}
    for name in STAGES[2:]:
        if RunFolder(folder).finished(name):
            scene = RunFolder(folder).load_stage(name)
            photo = scene.view("input")
            with torch.no_grad():
                seen = CpuRenderer()(scene.gaussians, [photo.camera], want=("rgb",))[0].rgb
            found[name] = psnr(seen, photo.rgb)
    return found


def row(photo: str, stage: str, out: str) -> str:
    """One photo's figures as a Markdown row."""
    image = kitchen.data_folder() / "photos" / photo
    got = in_new_process([f"image={image}", f"stage={stage}", f"out={out}", "rerun.mode=save"])
    folder = Path(got["folder"])
    stages = json.loads((folder / "run.json").read_text())["stages"]
    seconds = ", ".join(f"{name} {done['seconds']:.1f}" for name, done in stages.items())
    psnrs = " / ".join(f"{value:.1f}" for value in input_psnrs(folder).values())
    holes = got["metrics"]["path_hole_ratio"]["largest"]
    size = sum(p.stat().st_size for p in folder.glob("*.rrd")) / 2**20
    return (
        f"| {photo} | {stage} | {got['wall']:.1f} | {got['peak'] / 2**30:.2f} | {1 - got['work'] / got['wall']:.1%} "
        f"| {psnrs} | {holes:.3%} | {got['metrics']['gaussians']:,} | {size:.0f} | {seconds} |"
    )


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="*", default=["office.jpg", "living_room.jpg", "opera_house_a.jpg"])
    arguments = parser.parse_args()
    print(f"import vistadream: {import_seconds():.3f} s beyond import torch\n")
    print(
        "| photo | stage | wall s | peak GiB | overhead | input PSNR dB | worst hole | Gaussians | rrd MiB | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as out:
        for photo in arguments.photos:
            for stage in ("no-outpaint", "fine") if photo == arguments.photos[0] else ("fine",):
                print(row(photo, stage, out), flush=True)
    print("\nDepth of the kitchen frames, embedded:\n", flush=True)
    subprocess.run([sys.executable, Path(__file__).parent / "depth.py"], check=True)


if __name__ == "__main__":
    main()
