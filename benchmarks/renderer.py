"""What does a picture and its gradient cost on this CPU, beside a vectorised pure-torch renderer and bare arithmetic?

An iteration is RGB, expected depth and alpha, a linear loss, and its gradient to every Gaussian parameter; a step is
RGB and depth, L1 + D-SSIM, the gradient and fused Adam. All acts of a scene take turns, and the best of their runs
counts. The floor is the arithmetic of the blended pairs: what a pair costs in splats that fill every vector lane,
forward and backward, times their number.

Run: python benchmarks/renderer.py [--size 512 384] [--threads 1 2] [--repeats 9] [--torch-repeats 1] [--curves FOLDER]
The scenes garden and office need VISTADREAM_TEST_DATA. Prints Markdown for docs/renderer.md.
"""

from __future__ import annotations

import vistadream  # noqa: F401  # isort: skip  # before torch, whose idle threads it keeps from spinning

import argparse
import multiprocessing
import os
from pathlib import Path

import torch
from renderer_acts import Act, best_ms, drawing, iteration, leaves, on
from renderer_curves import draw_curves
from renderer_scenes import SCENES, Seen
from torch_renderer import render as torch_render

from vistadream.config import configured
from vistadream.core import Camera, Gaussians
from vistadream.ops.fit.photometric import l1_dssim


def training_step(gaussians: Gaussians, camera: Camera, threads: int) -> Act:
    """A step of a fit: RGB and depth, L1 + D-SSIM, gradient, fused Adam."""
    renderer, model = configured("backends/render=cpu", threads=threads), leaves(gaussians)
    target = renderer(gaussians, [camera], want=("rgb",))[0].rgb + 0.05
    adam = torch.optim.Adam([t for _, t in model.tensors()], lr=1e-6, fused=True)
    weight = torch.ones(camera.height, camera.width)

    def act() -> None:
        adam.zero_grad()
        got = renderer(model, [camera], want=("rgb", "z"))[0]
        (l1_dssim(got.rgb, target, weight, 0.2) + 0.01 * got.z.mean()).backward()
        adam.step()

    return act


def pair_ns(repeats: int) -> float:
    """CPU ns of one blended pair in an iteration, on splats that cover a 512x384 picture and so fill every lane."""
    camera = Camera.from_fov(60, 512, 384)

    def wall(n: int) -> Gaussians:
        means = torch.tensor([0.0, 0.0, 2.0]) + 1e-3 * torch.arange(n)[:, None]
        quats = torch.tensor([[1.0, 0, 0, 0]]).repeat(n, 1)
        return Gaussians(means, quats, torch.full((n, 3), 50.0), torch.full((n,), 0.02), torch.rand(n, 3))

    acts = {n: on(1, iteration(wall(n), camera, drawing(camera, 1))) for n in (8, 72)}
    cpu = {n: best_ms({"it": act}, repeats)["it"][1] for n, act in acts.items()}
    return 1e6 * (cpu[72] - cpu[8]) / (64 * 512 * 384)


def report(name: str, seen: Seen, options: argparse.Namespace, ns: float) -> None:
    """Prints one scene's table, and how far the two renderers are apart."""
    gaussians, camera = seen
    torch.set_num_threads(max(options.threads))
    with torch.no_grad():
        *reference, pairs = torch_render(gaussians, camera)
    by_torch = {"torch": iteration(gaussians, camera, lambda g: torch_render(g, camera)[:3])}
    torch_wall, torch_cpu = best_ms(by_torch, options.torch_repeats)["torch"]
    acts = {}
    for threads in options.threads:
        renderer = configured("backends/render=cpu", threads=threads)
        acts[f"iteration {threads}"] = on(threads, iteration(gaussians, camera, drawing(camera, threads)))
        acts[f"forward {threads}"] = on(threads, lambda r=renderer: r(gaussians, [camera]))
        acts[f"alpha {threads}"] = on(threads, lambda r=renderer: r(gaussians, [camera], want=("alpha",)))
        acts[f"step {threads}"] = on(threads, training_step(gaussians, camera, threads))
    got = best_ms(acts, options.repeats)
    floor = 1e-6 * ns * pairs
    print(f"\n{name}: {len(gaussians):,} Gaussians, {camera.width}x{camera.height}, {pairs / 1e6:.2f} M blended pairs,")
    print(f"floor {floor:.0f} ms; load average {os.getloadavg()[0]:.1f}\n")
    print("| ms | iteration | CPU | forward | alpha only | step | step CPU / iteration CPU | CPU / floor |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| pure torch | {torch_wall:.0f} | {torch_cpu:.0f} | | | | | {torch_cpu / floor:.0f} |")
    for threads in options.threads:
        row = [got[f"{what} {threads}"] for what in ("iteration", "forward", "alpha", "step")]
        (wall, cpu), (forward, _), (alpha, _), (step, step_cpu) = row
        cells = f"{wall:.0f} | {cpu:.0f} | {forward:.0f} | {alpha:.0f} | {step:.0f}"
        print(f"| {threads} thread{'s' * (threads > 1)} | {cells} | {step_cpu / cpu:.2f} | {cpu / floor:.1f} |")
    walls = [got[f"iteration {threads}"][0] for threads in options.threads]
    print(f"\n{torch_wall / min(walls):.0f} times faster than pure torch; ", end="")
    print(f"{options.threads[-1]} threads {walls[0] / walls[-1]:.2f} times as fast as {options.threads[0]}; ", end="")
    errors = [(a - b).abs().flatten() for a, b in zip(drawing(camera)(gaussians), reference, strict=True)]
    far = [error.kthvalue(int(0.999 * len(error))).values.item() for error in errors]
    print(f"99.9 % of values within {far[0]:.1e} (rgb), {far[1]:.1e} (z), {far[2]:.1e} (alpha) of it", flush=True)


def _memory(pipe: multiprocessing.connection.Connection) -> None:
    """Peak resident MB of this process before and after iterations with 197k Gaussians at 1024x768."""

    def peak() -> float:  # not getrusage: a process begins with its parent's figure
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6

    gaussians, camera = SCENES["sample room"](512, 384)
    camera = camera.resize(1024, 768)
    small = Camera.from_fov(60, 64, 48)
    iteration(gaussians.subset(torch.arange(10)), small, drawing(small))()
    before = peak()
    act = iteration(gaussians, camera, drawing(camera))
    for _ in range(3):
        act()
    pipe.send((before, peak()))


def peak_memory_mb() -> tuple[float, float]:
    """As `_memory`, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_memory, args=(theirs,))
    process.start()
    figures = ours.recv()
    process.join()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=["box room", "sample room"])
    parser.add_argument("--size", nargs=2, type=int, default=[512, 384], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, os.cpu_count()])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--torch-repeats", type=int, default=1)
    parser.add_argument("--curves", type=Path, help="folder for the cost curves over Gaussians, pixels and threads")
    options = parser.parse_args()
    ns = pair_ns(options.repeats)
    print(f"A blended pair costs {ns:.1f} ns of CPU time at least, forward and backward.")
    for name in options.scenes:
        torch.manual_seed(0)
        report(name, SCENES[name](*options.size), options, ns)
    before, peak = peak_memory_mb()
    print(f"\nPeak memory at 1024x768 with 196,608 Gaussians: {peak:.0f} MB, {before:.0f} MB before the first picture")
    if options.curves:
        draw_curves(options.curves, ns, options)


if __name__ == "__main__":
    main()
