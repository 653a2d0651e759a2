"""Pictures and gradients of gsplat compared with those of the CPU renderer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from renderer_scenes import SCENES

from vistadream.config import configured
from vistadream.core import Camera, Gaussians


def compared(size: tuple[int, int]) -> str:
    """What both draw; AssertionError if pictures or gradients differ."""
    gaussians, camera = SCENES["box room"](*size)
    cpu_maps, cpu_gradients, cpu_ms = iteration(configured("backends/render=cpu"), gaussians, camera)
    maps, gradients, ms = iteration(configured("backends/render=gsplat"), gaussians, camera)
    rgb, z, alpha = difference(cpu_maps, maps)
    close = float(((cpu_maps[0] - maps[0]).abs().amax(-1) <= 1e-4).double().mean())
    cosines = agreement(cpu_gradients, gradients)
    said = (
        f"{len(gaussians):,} Gaussians at {size[0]}x{size[1]}: {cpu_ms:.0f} ms an iteration on the CPU, {ms:.1f} by "
        f"gsplat from main memory; largest difference {rgb:.1e} (rgb), {z:.1e} (z), {alpha:.1e} (alpha), rgb within "
        f"1e-4 at {100 * close:.4f} % of the pixels; cosines of the gradients: "
        + ", ".join(f"{name} {cosine:.6f}" for name, cosine in cosines.items())
    )
    if rgb > 5e-3 or close < 0.9999 or min(cosines.values()) <= 0.999:
        raise AssertionError(f"{said}; wanted rgb within 1e-4 at 99.99 % and 5e-3 everywhere, cosines above 0.999")
    return said


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
