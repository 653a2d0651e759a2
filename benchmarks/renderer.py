"""What does a picture and its gradient cost on this CPU, beside a vectorised pure-torch renderer?

An iteration is RGB, expected depth and alpha, a linear loss, and its gradient to every Gaussian parameter; a step is
RGB and depth, L1 + D-SSIM, the gradient and fused Adam. Times are the best of several runs, in ms: wall time, which a
busy machine stretches, and for the iteration also the CPU time of all threads together.

Run: python benchmarks/renderer.py [--size 512 384] [--threads 1 2] [--repeats 9] [--torch-repeats 1]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch_renderer import render as torch_render

from vistadream.assets import sample_camera, sample_depth, sample_image
from vistadream.backends.render.cpu import CpuRenderer
from vistadream.core import Camera, Gaussians, View
from vistadream.ops.lift import lift_view
from vistadream.ops.photometric import l1_dssim

SHIFT = (0.1, 0.05, 0.05)  # m: scenes are drawn from beside the camera that they were lifted at


def lifted(rgb: Tensor, z: Tensor, camera: Camera) -> Gaussians:
    """One Gaussian a pixel, as the pipeline makes them."""
    everywhere = torch.ones_like(z, dtype=torch.bool)
    view = View("view", camera, rgb, z, everywhere, everywhere, ~everywhere)
    return lift_view(view, sigma_px=0.55, thickness=0.5)


def box_room(width: int, height: int) -> tuple[Gaussians, Camera]:
    """A bare box seen from inside, in random colours: the same on every machine."""
    camera = Camera.from_fov(70, width, height)
    rays = camera.rays()
    walls = torch.where(rays > 0, torch.tensor([2.0, 1.2, 4.0]), torch.tensor([-2.0, -1.5, -1.0])) / rays
    z = torch.where(walls > 0, walls, torch.inf).amin(-1)
    return lifted(torch.rand(height, width, 3), z, camera), camera


def sample_room(width: int, height: int) -> tuple[Gaussians, Camera]:
    """The project's sample with its true depth."""
    rgb = cv2.imread(str(sample_image()))[..., ::-1] / np.float32(255)
    z = cv2.imread(str(sample_depth()), cv2.IMREAD_UNCHANGED) / np.float32(1000)
    small = [torch.from_numpy(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)) for image in (rgb, z)]
    camera = sample_camera().resize(width, height)
    return lifted(small[0], small[1], camera), camera


def garden(width: int, height: int) -> tuple[Gaussians, Camera]:
    """gsplat's garden points (139k) with random sizes up to 0.02 and random opacities; needs VISTADREAM_TEST_DATA."""
    data = np.load(Path(os.environ["VISTADREAM_TEST_DATA"]) / "garden" / "test_garden.npz")
    means, colors = torch.from_numpy(data["means3d"]).float(), torch.from_numpy(data["colors"]).float()
    pose = torch.from_numpy(data["viewmats"][0]).float()
    camera = Camera(torch.from_numpy(data["Ks"][0]).float(), pose, int(data["width"]), int(data["height"]))
    n = len(means)
    gaussians = Gaussians(means, torch.randn(n, 4), 0.02 * torch.rand(n, 3), torch.rand(n), colors / colors.max())
    return gaussians, camera.resize(width, height)


SCENES = {"box room": box_room, "sample room": sample_room, "garden": garden}

Draw = Callable[[Gaussians], tuple[Tensor, Tensor, Tensor]]


def leaves(gaussians: Gaussians) -> Gaussians:
    """The same values, each wanting its gradient."""
    return Gaussians(**{name: tensor.detach().clone().requires_grad_() for name, tensor in gaussians.tensors()})


def best_ms(act: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Shortest wall time and shortest CPU time of all threads, in ms; one run to warm up where there are more."""
    walls, cpus = [], []
    for _ in range(repeats + (repeats > 1)):
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        walls.append(1e3 * (time.perf_counter() - wall))
        cpus.append(1e3 * (time.process_time() - cpu))
    return min(walls), min(cpus)


def as_tuple(renderer: CpuRenderer, camera: Camera) -> Draw:
    """The renderer for one camera."""

    def draw(gaussians: Gaussians) -> tuple[Tensor, Tensor, Tensor]:
        got = renderer(gaussians, [camera])[0]
        return got.rgb, got.z, got.alpha

    return draw


def iteration(gaussians: Gaussians, weights: tuple[Tensor, ...], draw: Draw) -> None:
    """Draws, and takes the gradient of a linear loss."""
    maps = draw(gaussians)
    torch.stack([(weight * values).sum() for weight, values in zip(weights, maps, strict=True)]).sum().backward()


def training_step(gaussians: Gaussians, camera: Camera, renderer: CpuRenderer) -> Callable[[], None]:
    """A step of the fit: RGB and depth, L1 + D-SSIM, gradient, fused Adam."""
    target = renderer(gaussians, [camera], want=("rgb",))[0].rgb + 0.05
    model = leaves(gaussians)
    adam = torch.optim.Adam([t for _, t in model.tensors()], lr=1e-6, fused=True)
    weight = torch.ones(camera.height, camera.width)

    def act() -> None:
        adam.zero_grad()
        got = renderer(model, [camera], want=("rgb", "z"))[0]
        (l1_dssim(got.rgb, target, weight, 0.2) + 0.01 * got.z.mean()).backward()
        adam.step()

    return act


def ours(gaussians: Gaussians, camera: Camera, weights: tuple[Tensor, ...], threads: int, repeats: int) -> str:
    """A row of the table."""
    torch.set_num_threads(threads)
    renderer, model = CpuRenderer(threads=threads), leaves(gaussians)
    draw = as_tuple(renderer, camera)
    forward, _ = best_ms(lambda: draw(gaussians), repeats)
    alpha, _ = best_ms(lambda: renderer(gaussians, [camera], want=("alpha",)), repeats)
    step, _ = best_ms(training_step(gaussians, camera, renderer), repeats)
    wall, cpu = best_ms(lambda: iteration(model, weights, draw), repeats)
    name = f"CpuRenderer, {threads} threads"
    return f"{name:24}{wall:9.0f}{cpu:9.0f}{forward:9.0f}{alpha:9.0f}{step:9.0f}"


def report(name: str, gaussians: Gaussians, camera: Camera, options: argparse.Namespace) -> None:
    """Prints one scene's table, and how far the two renderers are apart."""
    weights = tuple(torch.randn(camera.height, camera.width, *more) for more in ((3,), (), ()))
    with torch.no_grad():
        *reference, pairs = torch_render(gaussians, camera)
    model = leaves(gaussians)
    wall, cpu = best_ms(lambda: iteration(model, weights, lambda g: torch_render(g, camera)[:3]), options.torch_repeats)
    print(f"\n{name}: {len(gaussians):,} Gaussians, {camera.width}x{camera.height}, {pairs:,} blended pairs")
    print(f"{'ms':24}{'iteration':>9}{'CPU':>9}{'forward':>9}{'alpha':>9}{'step':>9}")
    print(f"{'pure torch':24}{wall:9.0f}{cpu:9.0f}", flush=True)
    for threads in options.threads:
        print(ours(gaussians, camera, weights, threads, options.repeats), flush=True)
    errors = [
        (a - b).abs().flatten() for a, b in zip(as_tuple(CpuRenderer(), camera)(gaussians), reference, strict=True)
    ]
    far = [error.kthvalue(int(0.999 * len(error))).values.item() for error in errors]
    print(f"99.9 % of values within {far[0]:.1e} (rgb), {far[1]:.1e} (z), {far[2]:.1e} (alpha) of pure torch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=["box room", "sample room"])
    parser.add_argument("--size", nargs=2, type=int, default=[512, 384], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, os.cpu_count()])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--torch-repeats", type=int, default=1)
    options = parser.parse_args()
    for name in options.scenes:
        torch.manual_seed(0)
        torch.set_num_threads(os.cpu_count())
        gaussians, camera = SCENES[name](*options.size)
        moved = camera.cam_from_world.clone()
        moved[:3, 3] += torch.tensor(SHIFT)
        report(name, gaussians, camera.at(moved), options)


if __name__ == "__main__":
    main()
