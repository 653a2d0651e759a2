"""Does refining make surfaces better, and at what price? Trained on three posed RGB-D frames, scored on three others.

Run: python benchmarks/refine.py [--width 640] [--steps 160] [--only kitchen|priors|time]
Needs VISTADREAM_TEST_DATA; prints Markdown for docs/benchmarks/refine.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import kitchen
import numpy as np
import torch
from torch import Tensor

from vistadream.config import compose, configured
from vistadream.core import Gaussians, Rendering, Scene, View, silent
from vistadream.formats.fastgs_dataset import read_dataset, write_dataset
from vistadream.ops.depth.edges import relative_depth_edges, sharpen_depth_edges, smooth_depth
from vistadream.ops.depth.normals import normals_from_depth
from vistadream.ops.evaluation.continuity import cycle_errors_px, flying
from vistadream.ops.evaluation.metrics import abs_rel, psnr, ssim
from vistadream.ops.fit.surface_loss import ShapeKeeping, SurfaceLoss
from vistadream.ops.fit.zoomed_crop import WithZoomedCrops
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.gaussians.shape import Shape
from vistadream.ops.holes.fill import complete_depth
from vistadream.stages.refine import Refine

TRAIN, HELD_OUT = ("000150", "000165", "000185"), ("000155", "000175", "000195")
NOISE = 0.03
"""Of the sensor, smoothed away as stages.initialize does."""
CONTENDERS = {
    "photometric only": ("depth=none",),
    "expected depth": ("depth=expected",),
    "continuous depth": (),
}
DEFAULT_STEPS = 160
RENDERER = configured("backends/render=cpu")


def frames(names: Sequence[str], width: int) -> list[kitchen.Frame]:
    """Frames at a width in pixels, their depth without flying pixels and noise."""
    world_from_source = torch.from_numpy(np.loadtxt(kitchen.paths(TRAIN[0])[2]))
    return [shrunk(kitchen.frame(name, world_from_source), width) for name in names]


def shrunk(frame: kitchen.Frame, width: int) -> kitchen.Frame:
    size = (width, width * frame.camera.height // frame.camera.width)
    rgb = torch.from_numpy(cv2.resize(frame.rgb.numpy(), size, interpolation=cv2.INTER_AREA))
    z = torch.from_numpy(cv2.resize(frame.z.numpy(), size, interpolation=cv2.INTER_NEAREST))
    valid = z > 0
    z = smooth_depth(complete_depth(sharpen_depth_edges(torch.where(valid, z, 1.0), valid), valid), NOISE)
    return kitchen.Frame(frame.name, rgb, torch.where(valid, z, 0.0), frame.camera.resize(*size))


def lifted(frames: Sequence[kitchen.Frame]) -> tuple[list[View], Gaussians]:
    """Views, and the Gaussians of the first one's pixels and of what each later one sees that was bare until then."""
    views, gaussians = [], Gaussians.empty()
    for frame in frames:
        known = frame.z > 0
        bare = rendering(gaussians, frame.camera, "alpha").alpha < 0.5 if len(gaussians) else known
        view = View(frame.name, frame.camera, frame.rgb, frame.z, known, known & bare, torch.zeros_like(known))
        views.append(view)
        gaussians = Gaussians.concat(gaussians, lift_view(view, 0.5, 0.5))
    return views, gaussians


def dataset(views: Sequence[View], gaussians: Gaussians) -> tuple[View, ...]:
    """Views with their normals as a refinement outside of any run gets them: written, validated and read."""
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(views, gaussians, Path(folder) / "kitchen", "multi")
        samples = read_dataset(Path(folder) / "kitchen")
    return tuple(replace(s.view, z=torch.where(s.geometry, s.view.z, 0.0)) for s in samples)


@torch.no_grad()
def rendering(gaussians: Gaussians, camera, *want: str) -> Rendering:
    return RENDERER(gaussians, [camera], want=want)[0]


def refine(scene: Scene, steps: int, *knobs: str) -> tuple[Gaussians, float]:
    """By the default stage but for these knobs of its surface terms; and seconds of processor time."""
    contender, begun = stage(steps, *knobs), time.process_time()
    return contender(scene, silent).gaussians, time.process_time() - begun


def stage(steps: int, *knobs: str) -> Refine:
    words = [f"stages.refine.steps={steps}", *(f"stages.refine.surface.{knob}" for knob in knobs)]
    return compose([*words, "backends/render=cpu"]).build("stages.refine")


def seen_in_training(held_out: Sequence[kitchen.Frame], train: Sequence[kitchen.Frame]) -> list[Tensor]:
    """Pixels of each held-out frame whose surface a training frame saw too."""
    return [torch.stack([kitchen.visible_from(frame, other) for other in train]).any(0) for frame in held_out]


def scores(gaussians: Gaussians, held_out: Sequence[kitchen.Frame], masks: Sequence[Tensor]) -> dict[str, float]:
    """Of the pictures and the median depth at held-out frames, means over these."""
    seen = [rendering(gaussians, frame.camera, "rgb", "z_median") for frame in held_out]
    rows = [_scores(s, frame, mask) for s, frame, mask in zip(seen, held_out, masks, strict=True)]
    cycle = cycle_errors_px([frame.camera for frame in held_out], [s.z_median for s in seen])
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} | {"cycle px": float(cycle.mean())}


def _scores(seen: Rendering, frame: kitchen.Frame, mask: Tensor) -> dict[str, float]:
    drawn = mask & (seen.z_median > 0)
    rgb = kitchen.exposed(seen.rgb, frame.rgb, mask)
    inside = torch.where(mask[..., None], rgb, frame.rgb)  # SSIM windows see the truth outside the mask
    flies, near = flying(seen.z_median, seen.z_median > 0)
    return {
        "PSNR dB": psnr(rgb, frame.rgb, mask),
        "SSIM": ssim(inside, frame.rgb, mask),
        "AbsRel %": 100 * abs_rel(seen.z_median, frame.z, drawn),
        "normals deg": normal_angle_deg(seen.z_median, frame, drawn),
        "flying %": 100 * float(flies.sum()) / max(1, int(near.sum())),
    }


def normal_angle_deg(z: Tensor, frame: kitchen.Frame, mask: Tensor) -> float:
    """Mean angle between the normals of a depth map and of the sensor's, off its edges."""
    found, has_one = normals_from_depth(frame.camera, z, z > 0)
    truth, has_truth = normals_from_depth(frame.camera, frame.z, frame.z > 0)
    use = mask & has_one & has_truth & ~relative_depth_edges(torch.where(frame.z > 0, frame.z, 1.0), frame.z > 0)
    return float(torch.rad2deg(torch.acos((found * truth).sum(-1)[use].clamp(-1, 1))).mean())


def row(name: str, gaussians: Gaussians, held_out, masks, start: Shape, seconds: float) -> str:
    """A line of Markdown."""
    found, shape = scores(gaussians, held_out, masks), Shape.of(gaussians)
    digits = {"PSNR dB": 2, "SSIM": 4, "AbsRel %": 3, "normals deg": 2, "flying %": 2, "cycle px": 4}
    cells = [f"{found[key]:.{n}f}" for key, n in digits.items()]
    return (
        f"| {' | '.join([name, *cells, f'{start.shrinkage(shape):+.1%}', f'{len(gaussians):,}', f'{seconds:.0f}'])} |"
    )


HEAD = (
    "PSNR dB | SSIM | AbsRel % | normals deg | flying % | cycle px | flatter by | Gaussians | CPU s |\n"
    + "|---" * 10
    + "|"
)


def corrupted(scene: Scene) -> dict[str, Scene]:
    """The scene with priors that are off, each in its own way."""
    rng = torch.Generator().manual_seed(0)

    def each(change: Callable[[Tensor], Tensor]) -> Scene:
        return replace(scene, views=tuple(replace(view, z=change(view.z) * (view.z > 0)) for view in scene.views))

    def blocks(z: Tensor) -> Tensor:
        h, w = (-(-size // 8) for size in z.shape)
        wrong = torch.rand(h, w, generator=rng) < 0.2
        factor = torch.where(wrong, 0.3 + 2 * torch.rand(h, w, generator=rng), 1.0)
        return z * factor.repeat_interleave(8, 0).repeat_interleave(8, 1)[: z.shape[0], : z.shape[1]]

    first, *others = scene.views
    return {
        "as they are": scene,
        "scaled by 1.7": each(lambda z: 1.7 * z),
        "shifted by 0.5 m": each(lambda z: z + 0.5),
        "20 % outliers, in blocks of 8 px": each(blocks),
        "one view's missing": replace(scene, views=(replace(first, z=torch.zeros_like(first.z)), *others)),
    }


def step_table(scene: Scene, repeats: int = 5) -> None:
    """Processor time of a step up to its gradients, the contenders in turns, the least of some repeats."""
    stages = {name: stage(DEFAULT_STEPS, *knobs) for name, knobs in CONTENDERS.items()}
    least = dict.fromkeys(stages, float("inf"))
    for _ in range(repeats):
        for name, contender in stages.items():
            least[name] = min(least[name], seconds_a_step(contender, scene))
    print("\n| | ms a step | beside colours alone |\n|---|---|---|")
    for name, seconds in least.items():
        print(f"| {name} | {1000 * seconds:.0f} | {seconds / least['photometric only'] - 1:+.0%} |", flush=True)


def seconds_a_step(contender: Refine, scene: Scene) -> float:
    """Mean over rounds of the views, whole ones and close-ups in their shares, once priors are aligned."""
    views = WithZoomedCrops(scene.views)
    n = 2 * contender.surface.every * len(scene.views)
    order = views.order([i % len(scene.views) for i in range(n)], contender.fitting.zoomed_share)
    loss = SurfaceLoss(contender.surface, contender.fitting.loss, scene.views, order)
    draw, seconds = ShapeKeeping(contender.renderer), 0.0
    for turn in range(2):
        begun = time.process_time()
        for step, index in enumerate(order):
            gaussians = Gaussians(*(tensor.clone().requires_grad_() for _, tensor in scene.gaussians.tensors()))
            drawn = draw(gaussians, [views[index].camera], want=loss.want(step))[0]
            loss(views[index], drawn, step).backward()
        seconds = time.process_time() - begun if turn else 0.0
    return seconds / n


def kitchen_tables(width: int, steps: int, only: str | None) -> None:
    train, held_out = frames(TRAIN, width), frames(HELD_OUT, width)
    views, gaussians = lifted(train)
    views = dataset(views, gaussians)
    scene, masks, start = Scene(views, gaussians), seen_in_training(held_out, train), Shape.of(gaussians)
    if only in (None, "kitchen"):
        print(
            f"\n| {steps} steps at {width} px | {HEAD}\n{row('start', gaussians, held_out, masks, start, 0)}",
            flush=True,
        )
        for name, knobs in CONTENDERS.items():
            refined, seconds = refine(scene, steps, *knobs)
            print(row(name, refined, held_out, masks, start, seconds), flush=True)
    if only in (None, "priors"):
        print(f"\n| priors, continuous depth | {HEAD}", flush=True)
        for name, off in corrupted(scene).items():
            refined, seconds = refine(off, steps)
            print(row(name, refined, held_out, masks, start, seconds), flush=True)
    if only in (None, "time"):
        step_table(scene)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--only", choices=("kitchen", "priors", "time"))
    arguments = parser.parse_args()
    kitchen_tables(arguments.width, arguments.steps, arguments.only)
