"""How many Gaussians a scene needs: ways to have fewer, and more where views agree on an error, at the same steps.

Run: python benchmarks/budget.py [--photos living_room.jpg ...] [--size 224] [--steps 80]
Needs VISTADREAM_TEST_DATA; prints Markdown for docs/benchmarks/budget.md.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import kitchen
import numpy as np
import torch
from coherence import composed, finished, flight_path
from torch import Tensor

from vistadream.assets import sample_depth, sample_image
from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Scene, View, silent
from vistadream.ops.evaluation.metrics import ssim
from vistadream.ops.fit.budget import Budget, contributions, merge_alike
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.gaussians.shape import Shape

RENDERER = configured("backends/render=cpu")
TRAINED, HELD_OUT = ("000150", "000165", "000185"), ("000155", "000175", "000195")
NOTHING = Budget(merge_tolerance=0.0, densify_share=0.0, min_views=2, min_error=0.05)
Truth = list[tuple[Camera, Tensor, Tensor]]
"""Cameras, what they should see, and the pixels at which that is known."""


@dataclass(frozen=True)
class Case:
    """A scene to refine, with what it was made from and what it was not."""

    scene: Scene
    photo: Truth
    inputs: Truth
    held_out: Truth


def case(scene: Scene) -> Case:
    """A photo's scene after coarse; held out is the canvas moved by its depth to four poses of the flight."""
    canvas = next(view for view in reversed(scene.views) if not bool(view.generated.all()))
    source = kitchen.Frame("canvas", canvas.rgb, canvas.z, canvas.camera)
    path = flight_path(scene, 61)
    held_out = [(camera, *kitchen.forward_warp(source, camera)) for camera in path[7:60:15]]
    photo = [(canvas.camera, canvas.rgb, canvas.supervise & ~canvas.generated)]
    return Case(scene, photo, [(v.camera, v.rgb, v.supervise) for v in scene.views], held_out)


def psnr_over(gaussians: Gaussians, truth: Truth) -> float:
    """PSNR in dB over the pixels of all pictures together."""
    total, count = 0.0, 0
    for camera, rgb, mask in truth:
        with torch.no_grad():
            seen = RENDERER(gaussians, [camera], want=("rgb",))[0].rgb
        error = (seen - rgb)[mask].double()
        total, count = total + float(error.square().sum()), count + error.numel()
    return -10 * math.log10(total / count)


def refined(scene: Scene, gaussians: Gaussians, steps: int, budget: Budget = NOTHING) -> tuple[Gaussians, float]:
    """After the stage as configured but for its steps and budget, and its processor seconds."""
    stage = replace(composed().build("stages.refine"), renderer=RENDERER, steps=steps, budget=budget)
    begun = time.process_time()
    made = stage(replace(scene, gaussians=gaussians), silent).gaussians
    return made, time.process_time() - begun


def shown(gaussians: Gaussians, views: tuple[View, ...]) -> Tensor:
    """Pixels of each view that show each Gaussian, "v n"."""
    ones = [torch.ones(v.camera.height, v.camera.width, 1) for v in views]
    return contributions(gaussians, [v.camera for v in views], ones, RENDERER)[..., 0]


def fastgs_score(gaussians: Gaussians, views: tuple[View, ...], threshold: float = 0.1) -> Tensor:
    """FastGS' pruning score (Ren et al. 2026), counts weighted by contribution, over photographed pixels."""
    score = torch.zeros(len(gaussians))
    for view in views:
        with torch.no_grad():
            rgb = RENDERER(gaussians, [view.camera], want=("rgb",))[0].rgb
        error = (rgb - view.rgb).abs().mean(-1)
        high = (error - error.min()) / (error.max() - error.min()) > threshold
        mask = (high & view.supervise & ~view.generated).float()[..., None]
        whole = 0.8 * error.mean() + 0.2 * (1 - ssim(rgb, view.rgb))
        score += whole * contributions(gaussians, [view.camera], [mask], RENDERER)[0, :, 0]
    return (score - score.min()) / (score.max() - score.min())


def least(score: Tensor, gaussians: Gaussians, share: float) -> Gaussians:
    """Without the share of Gaussians that score lowest."""
    return gaussians.subset(score.argsort(stable=True)[int(share * len(gaussians)) :].sort().values)


def pruned(scene: Scene, share: float) -> Iterator[tuple[str, Gaussians]]:
    """Every contender's start."""
    g, views = scene.gaussians, scene.views
    pixels, fastgs = shown(g, views), fastgs_score(g, views)
    area = g.scales.sort(dim=-1).values[:, 1:].prod(-1)
    scores = {
        "random": torch.rand(len(g), generator=torch.Generator().manual_seed(0)),
        "opacity": g.opacities,
        "FastGS' score": -fastgs,
        "contribution, sum": pixels.sum(0),
        "contribution, largest": pixels.amax(0),
        "contribution / area": pixels.sum(0) / area,
    }
    yield "nothing", g
    yield "FastGS' rule (opacity < 0.1 or score > 0.9)", g.subset((g.opacities >= 0.1) & (fastgs <= 0.9))
    yield from ((name, least(score, g, share)) for name, score in scores.items())
    for tolerance in (0.003, 0.006, 0.015):
        yield f"merging, tolerance {tolerance}", merge_alike(g, views, RENDERER, tolerance)


def pruning_table(name: str, made: Case, steps: int, share: float) -> None:
    """PSNR that each contender loses beside doing nothing."""
    print(f"\n{name}, {len(made.scene.gaussians):,} Gaussians, {steps} steps from each start; dB lost:\n")
    print("| before the fit | removed | photo | all inputs | held out | smallest / largest scale | CPU s |")
    print("|---" * 7 + "|")
    truths, base = (made.photo, made.inputs, made.held_out), None
    for contender, start in pruned(made.scene, share):
        gaussians, seconds = refined(made.scene, start, steps)
        figures = [psnr_over(gaussians, truth) for truth in truths]
        base = base or figures
        cells = [
            f"{b - f:+.2f}" if base is not figures else f"({f:.2f} dB)" for b, f in zip(base, figures, strict=True)
        ]
        removed, shape = 1 - len(start) / len(made.scene.gaussians), Shape.of(gaussians).summary()
        print(f"| {contender} | {removed:.0%} | {' | '.join(cells)} | {shape} | {seconds:.1f} |", flush=True)


def kitchen_view(name: str, width: int) -> View:
    """A frame at a small size, in the world of the first."""
    world = torch.from_numpy(np.loadtxt(kitchen.paths(TRAINED[0])[2]))
    frame = kitchen.frame(name, world)
    camera = frame.camera.resize(width, width * 3 // 4)
    size = (camera.width, camera.height)
    rgb = torch.from_numpy(cv2.resize(frame.rgb.numpy(), size, interpolation=cv2.INTER_AREA))
    z = torch.from_numpy(cv2.resize(frame.z.numpy(), size, interpolation=cv2.INTER_NEAREST))
    everywhere = torch.ones_like(z, dtype=torch.bool)
    return View(name, camera, rgb, z, everywhere, z > 0, ~everywhere)


def densifying_table(width: int, steps: int) -> None:
    """Three posed frames, from a dense and from a sparse start."""
    views = tuple(kitchen_view(name, width) for name in TRAINED)
    held_out = [(v.camera, v.rgb, v.z > 0) for v in (kitchen_view(name, width) for name in HELD_OUT)]
    inputs = [(v.camera, v.rgb, v.z > 0) for v in views]
    dense = Gaussians.concat(*(lift_view(view, 0.5, 0.5) for view in views))
    starts = {"one a pixel": dense, "merged to 4x4 pixels": merge_alike(dense, views, RENDERER, 1.0)}
    growing: dict[str, Callable[[Budget], Budget]] = {
        "nothing": lambda budget: budget,
        "2 views agree": lambda budget: replace(budget, densify_share=0.1),
        "1 view is enough": lambda budget: replace(budget, densify_share=0.1, min_views=1),
    }
    print(f"\nKitchen, frames {', '.join(TRAINED)}, {steps} steps, at most 10 % more twice; PSNR dB:\n")
    print("| start | densified where | Gaussians | inputs | held out | CPU s |\n" + "|---" * 6 + "|")
    for start, gaussians in starts.items():
        for where, grow in growing.items():
            made, seconds = refined(Scene(views), gaussians, steps, grow(NOTHING))
            figures = f"{psnr_over(made, inputs):.2f} | {psnr_over(made, held_out):.2f}"
            print(f"| {start} | {where} | {len(made):,} | {figures} | {seconds:.1f} |", flush=True)


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="*", default=["sample", "living_room.jpg", "opera_house_a.jpg"])
    parser.add_argument("--size", type=int, default=224, help="long side in pixels")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--share", type=float, default=0.5, help="of Gaussians that the scores remove")
    parser.add_argument("--only", choices=("pruning", "densifying"))
    arguments = parser.parse_args()
    if arguments.only != "densifying":
        with tempfile.TemporaryDirectory() as out:
            for photo in arguments.photos:
                image = kitchen.data_folder() / "photos" / photo if photo != "sample" else sample_image()
                words = [f"image={image}", "stage=coarse", f"max_resolution={arguments.size}", f"out={Path(out)}"]
                if photo == "sample":
                    words += ["backends/depth=given", f"backends.depth.path={sample_depth()}"]
                    words += ["backends.depth.unit_m=0.001"]
                scene = finished(words).load_stage("coarse")
                pruning_table(photo, case(scene), arguments.steps, arguments.share)
    if arguments.only != "pruning":
        densifying_table(arguments.size, arguments.steps)


if __name__ == "__main__":
    main()
