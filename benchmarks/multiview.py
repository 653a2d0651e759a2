"""How well do several photos become a scene? Poses, depth and held-out photos, on sets whose truth is known.

python benchmarks/multiview.py [room] [walk] [kitchen] [--room FOLDER]     (default: all three)

FOLDER holds twelve views of our ray-traced room, which `python research/render_views.py --out FOLDER` draws in six
minutes; walk and kitchen are read below VISTADREAM_TEST_DATA. Poses are those of `backends/poses=sfm`, from the
pictures alone, unless a row says otherwise. PSNR and SSIM are over whole held-out pictures; "gain" is after one factor
for each color. A part of what a held-out photo shows may be outside all others: "then coarse" paints it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import psutil
import torch
from doubles import doubled
from posed_sets import PosedSet, load

from vistadream.backends.multi_depth.filling import FILLED
from vistadream.config.composed import Composed, compose
from vistadream.core import Gaussians, Renderer, Scene, SparsePoints, View, silent
from vistadream.ops.evaluation.metrics import psnr, ssim
from vistadream.ops.evaluation.poses import focal_error, rotation_error_deg, trajectory_error
from vistadream.ops.fit.loop import view_order

QUIET = ["rerun.mode=off", "input=none"]


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[arguments.index("--room") + 1]) if "--room" in arguments else Path("room12")
    names = [name for name in arguments if name in ("room", "walk", "kitchen")] or ["room", "walk", "kitchen"]
    for name in names:
        report(load(name, folder))
    print(f"\npeak memory of this process: {psutil.Process().memory_info().rss / 2**30:.1f} GiB at the end")


def report(photos: PosedSet) -> None:
    """Prints the tables of one set."""
    print(f"\n## {photos.name}: {len(photos.photos)} photos, {len(photos.held_out)} of them held out")
    began = time.perf_counter()
    scene = registered(photos, "sfm")
    seconds = time.perf_counter() - began
    names = {view.name for view in scene.photos}
    truth = [photo.camera for photo in photos.photos if photo.name in names]
    found = [view.camera for view in scene.photos]
    print(f"registered {len(found)} of {len(photos.photos)} in {seconds:.1f} s, {len(scene.points or ())} points")
    off, turned_deg = trajectory_error(found, truth), rotation_error_deg(found, truth)
    print(f"centers off by {off:.2%} of their extent, rotations by {turned_deg:.2f} degrees")
    print(f"focal length off by {focal_error(found, truth):.1%}")
    print(
        "\n| depth | trusted | AbsRel there | with filled | AbsRel there | seconds a photo |\n|---|---|---|---|---|---|"
    )
    for poses in ("given", "sfm"):
        print(depth_row(photos, photos.at_size(scene if poses == "sfm" else registered(photos, poses)), poses))
    print(
        "\n| held out | PSNR | gain | SSIM | holes | doubles | Gaussians | seconds |\n|---|---|---|---|---|---|---|---|"
    )
    for row, make in ways(photos).items():
        print(fit_row(row, photos.at_size(scene), photos, make))


def registered(photos: PosedSet, poses: str) -> Scene:
    """The scene after the stage register, from the pictures alone or with the true poses."""
    stage = composed(f"backends/poses={poses}").build("stages.register")
    views = photos.unregistered() if poses == "sfm" else list(photos.photos)
    return stage(Scene(tuple(views)), silent)


def composed(*words: str) -> Composed:
    return compose([*QUIET, *words], job="multi_img")


def used(scene: Scene, photos: PosedSet) -> Scene:
    """The scene without the held-out photos."""
    held_out = {photos.photos[i].name for i in photos.held_out}
    return replace(scene, views=tuple(view for view in scene.views if view.name not in held_out))


def depth_row(photos: PosedSet, scene: Scene, poses: str) -> str:
    """Depth of the photos that are not held out, compared after the median ratio of all of them."""
    known = {photo.name: z for photo, z in zip(photos.photos, photos.depths, strict=True)}
    few = used(scene, photos)
    began = time.perf_counter()
    predictions = composed().build("backends.multi_depth")(few)
    seconds = (time.perf_counter() - began) / len(predictions)
    truth = torch.stack([known[view.name] for view in few.photos])
    z, valid, sure = (torch.stack([getattr(p, name) for p in predictions]) for name in ("z", "valid", "confidence"))
    measured, z, valid, sure = truth[truth > 0], z[truth > 0], valid[truth > 0], sure[truth > 0]
    trusted = valid & (sure != FILLED)
    error = (z * (measured / z)[trusted].median() - measured).abs() / measured
    figures = " | ".join(f"{mask.float().mean():.1%} | {error[mask].mean():.2%}" for mask in (trusted, valid))
    return f"| {poses} poses | {figures} | {seconds:.1f} |"


def ways(photos: PosedSet) -> dict[str, Callable[[Scene], Gaussians]]:
    """The ways of making a scene that are compared."""
    steps = f"stages.initialize={{steps:{photos.steps},rounds:0}}"
    raw, measured = "stages.initialize.exposure=false", "backends.multi_depth.fill=false"
    return {
        "points of registration alone, fitted": lambda scene: fitted_points(scene, photos.steps),
        "lifted": lambda scene: stage("initialize", "stages.initialize={steps:0,rounds:0}")(scene, silent).gaussians,
        f"lifted, {photos.steps} steps": lambda scene: stage("initialize", steps)(scene, silent).gaussians,
        "without exposure": lambda scene: stage("initialize", steps, raw)(scene, silent).gaussians,
        "without filling": lambda scene: stage("initialize", steps, measured)(scene, silent).gaussians,
        "then coarse": lambda scene: stage("coarse")(stage("initialize", steps)(scene, silent), silent).gaussians,
        "then refined": lambda scene: stage("refine")(stage("initialize", steps)(scene, silent), silent).gaussians,
    }


def stage(name: str, *words: str) -> Any:
    return composed(*words).build(f"stages.{name}")


def fitted_points(scene: Scene, steps: int) -> Gaussians:
    """Spheres at the points of registration, as 3D Gaussian splatting starts, fitted as the photos are."""
    points = scene.points or SparsePoints.empty()
    gaps = torch.cdist(points.xyz, points.xyz).topk(4, largest=False).values[:, 1:].mean(dim=1, keepdim=True)
    n = len(points)
    quats = torch.tensor([1.0, 0, 0, 0]).repeat(n, 1)
    start = Gaussians(points.xyz, quats, gaps.repeat(1, 3), torch.full((n,), 0.5), points.rgb)
    initialize = stage("initialize")
    turns = view_order([1.0] * len(scene.photos), steps, 0)
    return initialize.fitting(start, scene.photos, initialize.renderer, turns, observe=silent, name="points")


def fit_row(row: str, scene: Scene, photos: PosedSet, make: Callable[[Scene], Gaussians]) -> str:
    renderer = composed().build("backends.render")
    began = time.perf_counter()
    gaussians = make(used(scene, photos))
    seconds = time.perf_counter() - began
    names = {photos.photos[i].name for i in photos.held_out}
    results = [compared(gaussians, view, renderer) for view in scene.photos if view.name in names]

    psnr_db, gain_db, likeness, holes, doubles = (fmean(column) for column in zip(*results, strict=True))
    figures = f"{psnr_db:.1f} | {gain_db:.1f} | {likeness:.3f} | {holes:.1%} | {doubles:.1%}"
    return f"| {row} | {figures} | {len(gaussians):,} | {seconds:.0f} |"


@torch.no_grad()
def compared(gaussians: Gaussians, view: View, renderer: Renderer) -> tuple[float, float, float, float, float]:
    """PSNR in dB, the same after one gain for each color, SSIM, and the shares of holes and of double walls."""
    seen = renderer(gaussians, [view.camera], want=("rgb", "alpha"))[0]
    rgb = seen.require("rgb").clamp(0, 1)
    gain = (rgb * view.rgb).sum((0, 1)) / (rgb * rgb).sum((0, 1))
    holes = float((seen.require("alpha") < 0.5).float().mean())
    doubles = float(doubled(gaussians, view.camera).mean())
    return psnr(rgb, view.rgb), psnr((rgb * gain).clamp(0, 1), view.rgb), ssim(rgb, view.rgb), holes, doubles


if __name__ == "__main__":
    main(sys.argv[1:])
