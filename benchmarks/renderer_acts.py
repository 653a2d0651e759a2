"""What the benchmark of the renderer measures: pictures and their gradients, each as an act that can be timed."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch_renderer import render as torch_render

from vistadream.config import configured
from vistadream.core import Camera, Gaussians

Draw = Callable[[Gaussians], tuple[Tensor, Tensor, Tensor]]
Act = Callable[[], object]


def best_ms(acts: dict[str, Act], repeats: int) -> dict[str, tuple[float, float]]:
    """Shortest wall and CPU time (all threads) of each act in ms; they take turns, once more than asked, to warm up."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in acts}
    for _ in range(repeats + 1):
        for name, act in acts.items():
            wall, cpu = time.perf_counter(), time.process_time()
            act()
            times[name].append((1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)))
    return {name: (min(w for w, _ in runs[1:]), min(c for _, c in runs[1:])) for name, runs in times.items()}


def leaves(gaussians: Gaussians) -> Gaussians:
    """The same values, each wanting its gradient."""
    return Gaussians(**{name: tensor.detach().clone().requires_grad_() for name, tensor in gaussians.tensors()})


def drawing(camera: Camera, threads: int | None = None) -> Draw:
    """Our renderer for one camera."""

    def draw(gaussians: Gaussians) -> tuple[Tensor, Tensor, Tensor]:
        got = configured("backends/render=cpu", threads=threads)(gaussians, [camera])[0]
        return got.rgb, got.z, got.alpha

    return draw


def iteration(gaussians: Gaussians, camera: Camera, draw: Draw) -> Act:
    """Draws, and takes the gradient of a linear loss."""
    model = leaves(gaussians)
    weights = tuple(torch.randn(camera.height, camera.width, *more) for more in ((3,), (), ()))

    def act() -> None:
        maps = draw(model)
        torch.stack([(weight * values).sum() for weight, values in zip(weights, maps, strict=True)]).sum().backward()

    return act


def on(threads: int, act: Act) -> Act:
    """The act with as many threads for torch."""

    def limited() -> None:
        torch.set_num_threads(threads)
        act()

    return limited


def count_pairs(gaussians: Gaussians, camera: Camera) -> int:
    """How many (Gaussian, pixel) pairs are blended."""
    with torch.no_grad():
        return torch_render(gaussians, camera)[3]
