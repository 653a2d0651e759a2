"""What a GPU does for VistaDream, with the plain loop of gsplat in the same run: steps, runs, models.

Run: python benchmarks/gpu.py [--tiny] [--only kernels steps ...]
It downloads nothing: weights are files of the published sizes without their values. Each part is a process with a time
limit, and all of them together end after 8 minutes; a part that does not fit any more is left out. --only runs parts in
this process, without limits; --tiny runs the same code on any machine; parts that need a GPU are skipped without one.
Prints Markdown for docs/benchmarks/gpu.md; ends with 1 when a part failed.
"""

from __future__ import annotations

import vistadream  # noqa: F401  # isort: skip  # before torch

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

ALL_S = 470.0
"""All parts together end after this time."""


@dataclass(frozen=True)
class Part:
    """A part of the benchmark."""

    run: Callable[[bool, Path], None]
    """Gets whether tiny sizes are wanted, and a folder that is removed afterwards."""
    limit_s: float
    needs_gpu: bool = False


def table(title: str, columns: str, rows: Iterator[str]) -> None:
    """A heading and a table, row by row as they are measured."""
    print(f"\n{title}\n\n| {columns} |\n|{'---|' * (columns.count('|') + 1)}", flush=True)
    for row in rows:
        print(f"| {row} |", flush=True)


def kernels(tiny: bool, scratch: Path) -> None:
    """Seconds until gsplat can draw: its build, or the loading of what was built before."""
    from vistadream.backends.render.gsplat_kernels import require_kernels

    begun = time.perf_counter()
    require_kernels()
    print(f"\ngsplat's kernels: {time.perf_counter() - begun:.1f} s")


def steps(tiny: bool, scratch: Path) -> None:
    """A step of the fit and a plain step."""
    import gpu_steps

    columns = "Gaussians | plain ms | ours ms | ratio (goal 1.2) | with surface terms ms | ratio (goal 1.6)"
    table(f"steps on the {gpu_steps.device().type}", columns, gpu_steps.rows(tiny))


def renderer(tiny: bool, scratch: Path) -> None:
    """Pictures and gradients of both renderers."""
    import gpu_renderers

    print("\n" + gpu_renderers.compared((64, 48) if tiny else (1024, 768)))


def start(tiny: bool, scratch: Path) -> None:
    """`stage=no-outpaint` of the sample, from the start of the process; the first process compiles what is missing."""
    words = [*run_words(tiny, scratch), "stage=no-outpaint", "export=[ply]"]
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        command = [sys.executable, "-m", "vistadream", "single-img", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
    print(f"\nstage=no-outpaint from process start: {seconds[1]:.1f} s (goal 4; the first time {seconds[0]:.1f} s)")


def fine(max_resolution: int, goal_s: float) -> Callable[[bool, Path], None]:
    """The whole stage=fine of the sample with the embedded models; a small run before it compiles what is missing."""

    def run(tiny: bool, scratch: Path) -> None:
        from vistadream import app

        words = [*run_words(tiny, scratch), "stage=fine", "export=[ply,metrics]"]
        small = ["max_resolution=64", "stages.coarse.n_frames=1", "stages.refine.steps=8"]
        with quiet():
            if not tiny:
                app.run([*words, *small])
            size = small if tiny else [f"max_resolution={max_resolution}"]
            made = app.run([*words, *size])
        done = json.loads((made.folder / "run.json").read_text())["stages"]
        whole = sum(stage["seconds"] for stage in done.values())
        title = (
            f"stage=fine, {max_resolution} px: {whole:.1f} s (goal {goal_s:g}), {len(made.scene.gaussians):,} Gaussians"
        )
        table(title, "stage | s | peak VRAM GB", (f"{n} | {d['seconds']:.1f} | {_vram(d)}" for n, d in done.items()))

    return run


def _vram(stage: dict[str, Any]) -> str:
    peak = stage.get("peak_vram_bytes")
    return "no GPU" if peak is None else f"{peak / 1e9:.1f}"


def run_words(tiny: bool, scratch: Path) -> list[str]:
    """The words of a run: nothing is watched, and gsplat draws where there is a GPU."""
    backend = "gsplat" if torch.cuda.is_available() else "cpu"
    words = ["observers=[console]", "rerun.mode=off", f"out={scratch / 'out'}", f"backends/render={backend}"]
    words += ["backends/depth=embedded", "backends/outpaint=embedded", "backends/caption=fixed"]
    few = ["max_resolution=48", "stages.initialize.steps=2", "stages.coarse.steps=2", "stages.refine.steps=2"]
    return words + (few if tiny else [])


@contextmanager
def quiet() -> Iterator[None]:
    """The lines of a run stay out of the tables."""
    sys.stdout, shown = sys.stderr, sys.stdout
    try:
        yield
    finally:
        sys.stdout = shown


def model(name: str, title: str) -> Callable[[bool, Path], None]:
    """A model under each policy."""

    def run(tiny: bool, scratch: Path) -> None:
        import gpu_painters

        table(title, gpu_painters.COLUMNS, getattr(gpu_painters, name)(tiny, scratch))

    return run


PARTS = {
    "kernels": Part(kernels, 140, needs_gpu=True),
    "steps": Part(steps, 75),
    "start": Part(start, 60),
    "fine-512": Part(fine(512, 8), 60),
    "fine-1024": Part(fine(1024, 15), 75),
    "flux-fill": Part(model("flux_fill", "FLUX.1-Fill (11.9 B), 25 steps, 1024x1024"), 150),
    "flux2-klein": Part(model("flux2_klein", "FLUX.2-klein (3.9 B), 4 steps, 1024x1024"), 60),
    "depth": Part(model("depth", "MoGe-2 ViT-L (331 M), 1024x768"), 40),
    "sharp": Part(model("sharp", "SHARP (702 M, random weights), 1536x1536"), 90),
    "renderer": Part(renderer, 40, needs_gpu=True),
}


def main(words: list[str] | None = None) -> int:
    """Every part in turn; one that fails does not stop the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, any machine")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts alone, in this process, without limits")
    options = parser.parse_args(words)
    if options.only:
        return min(sum(not here(name, options.tiny) for name in options.only), 1)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"no GPU, {os.cpu_count()} CPU cores"
    print(f"torch {torch.__version__}, {device}{', tiny sizes' if options.tiny else ''}", flush=True)
    end = time.perf_counter() + ALL_S
    tiny = ["--tiny"] if options.tiny else []
    return min(sum(not in_a_process(name, tiny, end) for name in PARTS), 1)


def in_a_process(name: str, words: list[str], end: float) -> bool:
    """Runs a part within its limit; whether it succeeded."""
    begun = time.perf_counter()
    limit_s = min(PARTS[name].limit_s, end - begun)
    if limit_s < 5:
        print(f"\n{name}: left out, the time is over", flush=True)
        return False
    command = [sys.executable, __file__, "--only", name, *words]
    process = subprocess.Popen(command, start_new_session=True)  # a group of processes, which ends together
    try:
        code = process.wait(limit_s)
        said = "" if code == 0 else ", failed"
    except subprocess.TimeoutExpired:
        code, said = 1, f", stopped at its limit of {limit_s:.0f} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()
    print(f"\n{name}: {time.perf_counter() - begun:.0f} s in all{said}", flush=True)
    return code == 0


def here(name: str, tiny: bool) -> bool:
    """Runs a part in this process; whether it succeeded."""
    part = PARTS[name]
    if part.needs_gpu and not torch.cuda.is_available():
        print(f"\n{name}: skipped, torch sees no NVIDIA GPU", flush=True)
        return True
    with tempfile.TemporaryDirectory(dir=_folder(name, tiny)) as scratch, homes_in(scratch):
        try:
            part.run(tiny, Path(scratch))
        except Exception:
            traceback.print_exc()
            print(f"\n{name}: failed", flush=True)
            return False
    return True


def _folder(name: str, tiny: bool) -> str | None:
    if tiny or not name.startswith("flux"):
        return None
    import gpu_painters

    return gpu_painters.folder_for_files()


@contextmanager
def homes_in(folder: str) -> Iterator[None]:
    """Prompts encoded by weights without values are not kept."""
    changed = {"HF_HOME": folder, "HF_HUB_OFFLINE": "1"}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


if __name__ == "__main__":
    sys.exit(main())
