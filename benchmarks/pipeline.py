"""What the main job reaches: seconds, memory, fidelity, holes.

Run: python benchmarks/pipeline.py [--photos office.jpg living_room.jpg opera_house_a.jpg] [--processor-time]
Needs VISTADREAM_TEST_DATA; prints Markdown for docs/benchmarks/pipeline.md. Wall time says little on a machine that
others use: --processor-time counts seconds of the processor instead, except for the stages' own seconds.
"""

from __future__ import annotations

import argparse
import gc
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


class Stopwatch:
    """Seconds of a clock spent inside wrapped calls; nested ones count once."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds, self._clock, self._depth, self._begun = 0.0, clock, 0, 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        if self._depth == 0:
            self._begun = self._clock()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.seconds += self._clock() - self._begun

    def wrap(self, call: Callable) -> Callable:
        def timed(*arguments: Any, **named: Any) -> Any:
            with self.running():
                return call(*arguments, **named)

        return timed


def measure(words: list[str], processor_time: bool) -> dict:
    """One run in this (fresh) process: seconds from its start, seconds at work, peak memory, folder, metrics."""
    clock = time.process_time if processor_time else time.perf_counter
    begun = clock()
    sys.stdout = sys.stderr  # the run's own lines stay out of the tables

    from vistadream import app
    from vistadream.backends.depth.embedded import EmbeddedDepth
    from vistadream.backends.outpaint.embedded import EmbeddedOutpainter
    from vistadream.backends.render.cpu import CpuRenderer
    from vistadream.commands.main import GARBAGE_AFTER
    from vistadream.ops.fit.fitting import Fitting
    from vistadream.stages import refine

    gc.set_threshold(GARBAGE_AFTER)  # as the command does

    work = Stopwatch(clock)
    for target, name in [
        (EmbeddedDepth, "__call__"),
        (EmbeddedOutpainter, "__call__"),
        (CpuRenderer, "__call__"),
        (Fitting, "__call__"),
        (refine, "fit"),
    ]:
        setattr(target, name, work.wrap(getattr(target, name)))
    made = app.run(words)
    seconds = clock() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "work": work.seconds, "peak": peak, "folder": str(made.folder), "metrics": made.metrics}


def in_new_process(words: list[str], processor_time: bool = False) -> dict:
    """`measure` in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, [words, processor_time])


def import_seconds() -> float:
    """Seconds that `import vistadream` adds to `import torch`; the least of five."""
    code = "import torch, time; t = time.perf_counter(); import vistadream; print(time.perf_counter() - t)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))


def input_psnrs(folder: Path) -> dict[str, float]:
    """PSNR of the photo's own view after every stage."""
    import torch

    from vistadream.config import configured
    from vistadream.ops.evaluation.metrics import psnr
    from vistadream.runs.folder import RunFolder

    found = {}
    for name in RunFolder(folder).finished_stages():
        scene = RunFolder(folder).load_stage(name)
        if not len(scene.gaussians):
            continue
        photo = scene.anchor
        with torch.no_grad():
            seen = configured("backends/render=cpu")(scene.gaussians, [photo.camera], want=("rgb",))[0].rgb
        found[name] = psnr(seen, photo.rgb)
    return found


def row(photo: str, stage: str, words: list[str], processor_time: bool) -> str:
    """One photo's figures as a Markdown row."""
    import kitchen  # here, lest the new process had loaded torch before its clock runs

    image = kitchen.data_folder() / "photos" / photo
    got = in_new_process([f"image={image}", f"stage={stage}", "rerun.mode=save", *words], processor_time)
    folder = Path(got["folder"])
    stages = json.loads((folder / "run.json").read_text())["stages"]
    seconds = ", ".join(f"{name} {done['seconds']:.1f}" for name, done in stages.items())
    psnrs = " / ".join(f"{value:.1f}" for value in input_psnrs(folder).values())
    holes = got["metrics"]["path_hole_ratio"]["largest"]
    overhead = 1 - got["work"] / got["seconds"]
    size = sum(p.stat().st_size for p in folder.glob("*.rrd")) / 2**20
    return (
        f"| {photo} | {stage} | {got['seconds']:.1f} | {got['peak'] / 2**30:.2f} | {overhead:.1%} "
        f"| {psnrs} | {holes:.3%} | {got['metrics']['gaussians']:,} | {size:.0f} | {seconds} |"
    )


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="*", default=["office.jpg", "living_room.jpg", "opera_house_a.jpg"])
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--knobs", nargs="*", default=[], help="words for the runs, such as max_resolution=256")
    arguments = parser.parse_args()
    print(f"import vistadream: {import_seconds():.3f} s beyond import torch\n")
    clock = "processor" if arguments.processor_time else "wall"
    figures = "peak GiB | overhead | input PSNR dB | worst hole | Gaussians | rrd MiB | seconds"
    print(f"| photo | stage | {clock} s | {figures} |\n|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as out:
        for photo in arguments.photos:
            for stage in ("no-outpaint", "fine") if photo == arguments.photos[0] else ("fine",):
                words = [f"out={out}", *arguments.knobs]
                print(row(photo, stage, words, arguments.processor_time), flush=True)


if __name__ == "__main__":
    main()
