"""What a graphics card does for VistaDream: gsplat beside the CPU renderer, the big models' seconds and memory, a run.

Run: python benchmarks/gpu.py [--tiny] [--only renderer depth flux-fill flux2-klein run]
Weights are random, so nothing is downloaded. Torch may take no more of the card than the policy is for: 24 GB under
balanced, 12 GB under low. --tiny runs the same code with tiny models on any machine; memory of the card needs one.
Prints Markdown for docs/benchmarks/gpu.md; ends with 1 when a part failed.
"""

from __future__ import annotations

import vistadream  # noqa: F401  # isort: skip  # before torch

import argparse
import gc
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gpu_models
import torch
from renderer_scenes import SCENES

from vistadream import app
from vistadream.backends.depth.moge import MogeDepth
from vistadream.backends.outpaint.flux2_klein import KleinOutpainter
from vistadream.backends.outpaint.flux_fill import FluxFill
from vistadream.backends.weights.policy import Policy
from vistadream.backends.weights.residence import resident
from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Note, View, use_observer
from vistadream.ops.image.pixels import pad_mask
from vistadream.runs.resource_usage import ResourceUsage

RENDERER = configured("backends/render=cpu")
GSPLAT = configured("backends/render=gsplat")
OUTPAINTER = configured("backends/outpaint=embedded")

CARD_GB = {Policy.HIGH: None, Policy.BALANCED: 24, Policy.LOW: 12}
"""The card that a policy is for."""


def table(title: str, columns: str, rows: Iterator[str]) -> None:
    """A heading and a table, row by row as they are measured."""
    print(f"\n{title}\n\n| {columns} |\n|{'---|' * (columns.count('|') + 1)}", flush=True)
    for row in rows:
        print(f"| {row} |", flush=True)


def renderer(options: argparse.Namespace, scratch: Path) -> None:
    """Pictures and gradients of both renderers, and milliseconds of an iteration."""
    if not torch.cuda.is_available():
        print("\nrenderer: skipped, torch sees no NVIDIA GPU")
        return
    size = (64, 48) if options.tiny else (1024, 768)
    gaussians, camera = SCENES["box room"](*size)
    cpu_maps, cpu_gradients, cpu_ms = iteration(RENDERER, gaussians, camera)
    maps, gradients, ms = iteration(GSPLAT, gaussians, camera)
    rgb, z, alpha = difference(cpu_maps, maps)
    cosines = agreement(cpu_gradients, gradients)
    print(
        f"\n{len(gaussians):,} Gaussians at {size[0]}x{size[1]}: {cpu_ms:.0f} ms an iteration on the CPU, {ms:.1f} by"
    )
    print(f"gsplat; largest difference {rgb:.1e} (rgb), {z:.1e} (z), {alpha:.1e} (alpha); cosines of the gradients:")
    print(", ".join(f"{name} {cosine:.6f}" for name, cosine in cosines.items()))
    if rgb >= 1e-3 or min(cosines.values()) <= 0.999:
        raise AssertionError("wanted rgb within 1e-3 and cosines above 0.999")


def difference(one: list[torch.Tensor], other: list[torch.Tensor]) -> list[float]:
    """The largest of each map."""
    return [float((a - b).abs().max()) for a, b in zip(one, other, strict=True)]


def agreement(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> dict[str, float]:
    """Cosine between each parameter's gradients."""
    return {name: float(torch.cosine_similarity(a.double(), other[name].double(), 0)) for name, a in one.items()}


def iteration(
    draw: Callable[..., Any], gaussians: Gaussians, camera: Camera
) -> tuple[list[torch.Tensor], dict[str, torch.Tensor], float]:
    """The maps, every parameter's gradient of a fixed linear loss, and the least ms of three."""
    torch.manual_seed(0)
    weights = [torch.randn(camera.height, camera.width, *more) for more in ((3,), (), ())]
    best = float("inf")
    for _ in range(4):
        model = Gaussians(**{name: t.detach().clone().requires_grad_() for name, t in gaussians.tensors()})
        begun = time.perf_counter()
        got = draw(model, [camera])[0]
        maps = [got.rgb, got.z, got.alpha]
        torch.stack([(weight * values).sum() for weight, values in zip(weights, maps, strict=True)]).sum().backward()
        best = min(best, 1e3 * (time.perf_counter() - begun))
    return [m.detach() for m in maps], {name: t.grad.flatten() for name, t in model.tensors()}, best


def depth(options: argparse.Namespace, scratch: Path) -> None:
    """MoGe-2 as published, ViT-L, or a small one."""
    from moge.model.v2 import MoGeModel

    config = moge_config(tiny=options.tiny)
    file = scratch / "model.pt"
    torch.save({"model_config": config, "model": MoGeModel(**config).state_dict()}, file)
    millions = sum(p.numel() for p in MoGeModel(**config).parameters()) / 1e6
    camera = Camera.from_fov(60, *((64, 48) if options.tiny else (1024, 768)))
    everywhere = torch.ones(camera.height, camera.width, dtype=torch.bool)
    view = View("photo", camera, torch.rand(camera.height, camera.width, 3), None, everywhere, everywhere, ~everywhere)

    def work(policy: Policy) -> Callable[[int], Any]:
        estimate = MogeDepth("auto", scratch, "auto", policy, None, 0.005)
        return lambda seed: estimate([view])

    policies(f"depth: MoGe-2, {millions:.0f} M, {camera.width}x{camera.height}", work, options)


def moge_config(tiny: bool) -> dict:
    """The published sizes (configs/train/v2.json of microsoft/MoGe), or the small backbone with thin heads."""
    width, thin = (384, [8] * 5) if tiny else (1024, [1024, 256, 128, 64, 32])

    def stack(dims_in: list[int], dim_out: int | None, blocks: list[int]) -> dict:
        plain = {"res_block_in_norm": "none", "res_block_hidden_norm": "none"}
        up = ["conv_transpose"] * 3 + ["bilinear"]
        out = None if dim_out is None else [None] * 4 + [dim_out]
        return {
            "dim_in": dims_in,
            "dim_out": out,
            "dim_res_blocks": thin,
            "num_res_blocks": blocks,
            "resamplers": up,
        } | plain

    heads = {
        name: stack(thin, out, [0, 1, 1, 1, 0])
        for name, out in (("points_head", 3), ("normal_head", 3), ("mask_head", 1))
    }
    layers = {
        "backbone": "dinov2_vits14" if tiny else "dinov2_vitl14",
        "intermediate_layers": [5, 11] if tiny else [5, 11, 17, 23],
    }
    return heads | {
        "encoder": layers | {"dim_out": thin[0]},
        "neck": stack([thin[0] + 2, 2, 2, 2, 2], None, [0, 2, 2, 2, 0]),
        "scale_head": {"dims": [width, width, width, 1]},
        "remap_output": "exp",
        "num_tokens_range": [12, 48] if tiny else [1200, 3600],
    }


def flux_fill(options: argparse.Namespace, scratch: Path) -> None:
    """FLUX.1-Fill, 12 B, with its text encoders, 4.9 B."""
    folder = gpu_models.write_flux(scratch / "flux", gpu_models.TINY_FLUX if options.tiny else gpu_models.FLUX)
    steps = 1 if options.tiny else 25
    paint(
        f"flux-fill, {steps} steps",
        lambda policy: FluxFill(folder, None, True, policy, steps, 30.0, 1024, 4.0),
        options,
    )


def flux2_klein(options: argparse.Namespace, scratch: Path) -> None:
    """FLUX.2-klein, 4 B, with its text encoder, 4 B."""
    folder = gpu_models.write_klein(scratch / "klein", gpu_models.TINY_KLEIN if options.tiny else gpu_models.KLEIN)
    steps = 1 if options.tiny else 4
    paint(
        f"flux2-klein, {steps} steps",
        lambda policy: KleinOutpainter("smooth", OUTPAINTER, folder, policy, steps, 1024, 4.0),
        options,
    )


def paint(title: str, painter: Callable[[Policy], Any], options: argparse.Namespace) -> None:
    """A square picture with a border, painted twice under each policy."""
    side = 64 if options.tiny else 1024
    hole = pad_mask(side * 3 // 4, side * 3 // 4, side // 8, side // 8)
    rgb = torch.where(hole[..., None], 0, torch.rand(side, side, 3))

    def work(policy: Policy) -> Callable[[int], Any]:
        outpaint = painter(policy)
        return lambda seed: outpaint(rgb, hole, "a sunlit library", seed)

    with gpu_models.random_weights():
        policies(f"{title}, {side}x{side}", work, options)


def policies(title: str, work: Callable[[Policy], Callable[[int], Any]], options: argparse.Namespace) -> None:
    """The first and the second time under each policy; of the memory, the more."""

    def rows() -> Iterator[str]:
        for policy in Policy:
            resident.release()
            gc.collect()
            notes: list[str] = []
            with limited(CARD_GB[policy]), use_observer(hearing(notes)):
                act = work(policy)
                usages = [ResourceUsage(), ResourceUsage()]
                for seed, usage in enumerate(usages):
                    with usage:
                        act(seed)
            peaks = [usage.peak_vram_bytes for usage in usages]
            vram = "no GPU" if None in peaks else f"{max(peaks) / 1e9:.1f}"
            memory = max(usage.peak_bytes for usage in usages) / 1e9
            fits = "no: " + "; ".join(notes) if notes else "yes"
            yield f"{policy} | {usages[0].seconds:.1f} | {usages[1].seconds:.1f} | {vram} | {memory:.1f} | {fits}"

    table(title, "policy | first s, with loading | then s | peak VRAM GB | main memory GB | went as asked", rows())


def hearing(notes: list[str]) -> Callable[..., None]:
    """An observer that keeps warnings."""

    def observe(name: str, value: Any, step: int | None = None) -> None:
        if isinstance(value, Note) and value.level == "warning":
            notes.append(value.text)

    return observe


@contextmanager
def limited(card_gb: float | None) -> Iterator[None]:
    """While the block runs torch may take that much of the card."""
    if card_gb is None or not torch.cuda.is_available():
        yield
        return
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, card_gb * 1e9 / total))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def run(options: argparse.Namespace, scratch: Path) -> None:
    """The whole stage=fine of the sample with the embedded models, drawn by gsplat where that is possible."""
    backend = "gsplat" if torch.cuda.is_available() else "cpu"
    words = ["stage=fine", "rerun.mode=off", f"out={scratch / 'out'}", f"backends/render={backend}"]
    words += ["backends/depth=embedded", "backends/outpaint=embedded", "backends/caption=fixed"]
    words += [f"export=[ply,metrics{'' if options.tiny else ',report'}]"]
    if options.tiny:
        words += ["max_resolution=48", "stages.coarse.n_frames=1", "stages.initialize.steps=2", "stages.coarse.steps=2"]
        words += ["stages.refine.steps=2"]
    sys.stdout, shown = sys.stderr, sys.stdout  # the run's own lines stay out of the tables
    try:
        made = app.run(words)
    finally:
        sys.stdout = shown
    done = json.loads((made.folder / "run.json").read_text())["stages"]
    peaks = {name: stage.get("peak_vram_bytes") for name, stage in done.items()}
    table(
        f"stage=fine, {len(made.scene.gaussians):,} Gaussians, render={backend}",
        "stage | s | peak VRAM GB",
        (
            f"{n} | {d['seconds']:.1f} | {'no GPU' if peaks[n] is None else f'{peaks[n] / 1e9:.1f}'}"
            for n, d in done.items()
        ),
    )


PARTS = {"renderer": renderer, "depth": depth, "flux-fill": flux_fill, "flux2-klein": flux2_klein, "run": run}


def main(words: list[str] | None = None) -> int:
    """Every part in turn; one that fails does not stop the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="tiny models, any machine")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args(words)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"no GPU, {os.cpu_count()} CPU cores"
    print(f"torch {torch.__version__}, {device}{', tiny models' if options.tiny else ''}")
    failed = 0
    for name in options.only:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch, patched_home(scratch):
            try:
                PARTS[name](options, Path(scratch))
            except Exception:
                traceback.print_exc()
                print(f"\n{name}: failed")
                failed += 1
            resident.release()
        print(f"\n{name}: {time.perf_counter() - begun:.0f} s in all", flush=True)
    return min(failed, 1)


@contextmanager
def patched_home(folder: str) -> Iterator[None]:
    """Prompts encoded by random weights are not kept."""
    before = os.environ.get("HF_HOME")
    os.environ["HF_HOME"] = folder
    try:
        yield
    finally:
        os.environ.pop("HF_HOME")
        if before is not None:
            os.environ["HF_HOME"] = before


if __name__ == "__main__":
    sys.exit(main())
