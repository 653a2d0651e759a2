"""What watching costs: the events of one whole run, played again to an observer that is off, saves, and serves as well.

Run: python benchmarks/observer.py [--photo office.jpg] [--rounds 3] [KNOB=VALUE ...]
Needs VISTADREAM_TEST_DATA; prints Markdown for docs/benchmarks/observer.md. Only the events are played,
because two whole runs on one machine differ by more than watching costs. The least of all rounds counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

import kitchen
import numpy as np
import psutil
import torch
from PIL import Image

MODES = ("off", "save", "serve")
STEPS = 2000


def one_run(words: list[str]) -> tuple[list[tuple], float, float]:
    """The events of a run that nobody watches, its wall seconds and its processor seconds."""
    from vistadream import app

    events: list[tuple] = []
    wall, cpu = time.perf_counter(), time.process_time()
    with redirect_stdout(sys.stderr):
        app.run([*words, "rerun.mode=off"], observers=[lambda *event: events.append(event)])
    return events, time.perf_counter() - wall, time.process_time() - cpu


def played(events: list[tuple], mode: str, file: Path) -> tuple[float, float]:
    """Wall and processor seconds that an observer takes for the events, from its beginning to its end."""
    from vistadream.config import compose
    from vistadream.core import ObservedRun, StageStarted
    from vistadream.observers.rerun import RerunSettings

    wall, cpu = time.perf_counter(), time.process_time()
    stages = [value.stage for _, value, *_ in events if isinstance(value, StageStarted)]
    settings = compose([f"rerun.mode={mode}"]).make("rerun", RerunSettings)
    run = ObservedRun(file.parent, file.with_suffix(".jsonl"), file, tuple(stages), config="", knobs={})
    with settings.open(run) as observe:
        for event in events:
            observe(*event)
    return time.perf_counter() - wall, time.process_time() - cpu


def whole_run(image: Path, rounds: int, knobs: list[str]) -> None:
    """The table of the modes."""
    with tempfile.TemporaryDirectory() as out:
        events, run_wall, run_cpu = one_run([f"image={image}", f"out={out}", *knobs])
        print(f"The run: {len(events)} events in {run_wall:.1f} s, {run_cpu:.1f} s of processor.\n")
        print("| rerun.mode | wall s | of the run | processor s | of the run | run.rrd MB |\n|---|---|---|---|---|---|")
        for mode in MODES:
            file = Path(out) / f"{mode}.rrd"
            wall, cpu = map(min, zip(*(played(events, mode, file) for _ in range(rounds)), strict=True))
            size = file.stat().st_size / 1e6 if file.exists() else 0
            print(f"| {mode} | {wall:.2f} | {wall / run_wall:.1%} | {cpu:.2f} | {cpu / run_cpu:.1%} | {size:.1f} |")


def many_steps() -> None:
    """Memory of STEPS steps, 5 ms each, with a loss and pictures at the default cadence, to file and server."""
    from vistadream.assets import sample_image
    from vistadream.config import compose
    from vistadream.observers.rerun import RerunSettings
    from vistadream.observers.rerun.observer import RerunObserver

    picture = torch.from_numpy(np.asarray(Image.open(sample_image()).convert("RGB"))) / 255
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as out:
        file, marks, began_bytes = Path(out) / "run.rrd", [], process.memory_info().rss
        settings = compose(["rerun.mode=serve", "rerun.memory_limit=8MiB"]).make("rerun", RerunSettings)
        with RerunObserver(settings, file, name="many", stages=("refine",)) as observe:
            for step in range(STEPS):
                observe("refine/loss", 1.0 / (1 + step), step=step)
                observe("refine/render", picture, step=step)
                time.sleep(0.005)
                if (step + 1) % (STEPS // 4) == 0:
                    marks.append(f"{(process.memory_info().rss - began_bytes) / 1e6:.0f}")
        size = file.stat().st_size / 1e6
    print(f"{STEPS} steps, {size:.0f} MB on disk: {' / '.join(marks)} MB more memory after each quarter\n", flush=True)


def main() -> None:
    """Prints all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", default="office.jpg")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("knobs", nargs="*")
    asked = parser.parse_args()
    many_steps()
    whole_run(kitchen.data_folder() / "photos" / asked.photo, asked.rounds, asked.knobs)


if __name__ == "__main__":
    main()
