"""Milliseconds of a step of the fit, and of the plain loop that anybody would write with gsplat: the same losses."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from renderer_scenes import box_room
from torch import Tensor

from vistadream.config import compose, configured
from vistadream.core import Camera, Gaussians, Renderer, View, silent
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.fit.loop import fit
from vistadream.ops.fit.surface_loss import ShapeKeeping, SurfaceLoss

SIZES = ((666, 500), (1024, 768))
"""One Gaussian a pixel: 333,000 and 786,432."""
TINY = ((32, 24),)
_SECONDS = 4.0
"""Of each measurement, about."""
_BATCH = 40
"""Steps of one call of `fit`, at least: surface terms are due at every 8th."""


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def views_of(width: int, height: int) -> tuple[Gaussians, list[View]]:
    """A room of one Gaussian a pixel, and four views of it from poses around, all on the device."""
    gaussians, camera = box_room(width, height)
    gaussians = gaussians.to(device())
    renderer, everywhere = best_renderer(), torch.ones(height, width, dtype=torch.bool, device=device())
    views = []
    for i in range(4):
        moved = camera.cam_from_world.clone()
        moved[:3, 3] += 0.05 * torch.tensor([math.sin(i), math.cos(i), 0.0])
        with torch.no_grad():
            (drawn,) = renderer(gaussians, [camera.at(moved)], want=("rgb", "z_median"))
        views.append(View(f"view{i}", camera.at(moved), drawn.rgb, drawn.z_median, everywhere, everywhere, ~everywhere))
    return gaussians, views


def best_renderer() -> Renderer:
    return configured("backends/render=gsplat" if device().type == "cuda" else "backends/render=cpu")


def milliseconds(run: Callable[[int], Any]) -> float:
    """Of one step, where `run(n)` makes n steps; the first calls warm up, and later ones take about _SECONDS."""
    run(_BATCH)
    taken = _timed(run, _BATCH)
    steps = max(1, round(_SECONDS / max(taken, 1e-3))) * _BATCH
    return 1e3 * _timed(run, steps) / steps


def _timed(run: Callable[[int], Any], steps: int) -> float:
    _wait()
    begun = time.perf_counter()
    run(steps)
    _wait()
    return time.perf_counter() - begun


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ours(gaussians: Gaussians, views: Sequence[View], surface: bool) -> Callable[[int], Any]:
    """The fit of the refine stage, with its learning rates, without or with its surface terms."""
    refine = compose(["image=x.png"])
    fitting: Fitting = refine.build("stages.refine.fitting")
    terms = refine.build("stages.refine.surface")
    renderer = ShapeKeeping(best_renderer()) if surface else best_renderer()

    def run(steps: int) -> None:
        order = [step % len(views) for step in range(steps)]
        surfaces = SurfaceLoss(terms, fitting.loss, views, order)
        loss = surfaces if surface else lambda view, rendering, step: fitting.loss(view, rendering)
        want = surfaces.want if surface else lambda step: ("rgb",)
        fit(gaussians, views, renderer, loss, fitting.rates, order=order, want=want, observe=silent, name="step")

    return run


def plain(gaussians: Gaussians, views: Sequence[View]) -> Callable[[int], Any]:
    """Colors by gsplat, L1 and SSIM by conv2d, and torch's fused Adam over logs and logits."""
    parameters = [
        gaussians.means.clone(),
        gaussians.quats_wxyz.clone(),
        gaussians.scales.log(),
        torch.logit(gaussians.opacities.clamp(0.01, 0.99)),
        gaussians.colors.clone(),
    ]
    parameters = [p.detach().requires_grad_() for p in parameters]
    cameras = [view.camera.to(device()) for view in views]
    adam = torch.optim.Adam([{"params": [p], "lr": 1e-4} for p in parameters], fused=True)

    def run(steps: int) -> None:
        for step in range(steps):
            rgb, camera = views[step % len(views)].rgb, cameras[step % len(views)]
            means, quats, scales, opacities, colors = parameters
            shown = draw_plainly(means, quats, scales.exp(), opacities.sigmoid(), colors, camera)
            loss = 0.8 * (shown - rgb).abs().mean() + 0.2 * (1 - ssim(shown, rgb))
            loss.backward()
            adam.step()
            adam.zero_grad(set_to_none=True)

    return run


def draw_plainly(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor, camera: Camera
) -> Tensor:
    """A picture by gsplat's own function; on a computer without a GPU by the CPU renderer."""
    if device().type == "cpu":
        return best_renderer()(Gaussians(means, quats, scales, opacities, colors), [camera], want=("rgb",))[0].rgb
    from gsplat import rasterization

    size = {"width": camera.width, "height": camera.height}
    pose, K = camera.cam_from_world[None].float(), camera.K[None].float()
    return rasterization(means, quats, scales, opacities, colors, pose, K, packed=False, **size)[0][0]


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """The mean structural similarity of two pictures (Wang et al. 2004), by separable convolutions."""
    offsets = torch.arange(-5, 6, device=x.device, dtype=x.dtype)
    taps = torch.exp(-0.5 * (offsets / 1.5) ** 2)
    taps = taps / taps.sum()
    x, y = (image.permute(2, 0, 1)[:, None] for image in (x, y))
    planes = torch.cat([x, y, x * x, y * y, x * y])
    blurred = F.conv2d(planes, taps.view(1, 1, 1, -1), padding=(0, 5))
    mx, my, xx, yy, xy = F.conv2d(blurred, taps.view(1, 1, -1, 1), padding=(5, 0)).chunk(5)
    top = (2 * mx * my + 0.01**2) * (2 * (xy - mx * my) + 0.03**2)
    return (top / ((mx**2 + my**2 + 0.01**2) * (xx - mx**2 + yy - my**2 + 0.03**2))).mean()


def rows(tiny: bool) -> Iterator[str]:
    """For each size: our step, with surface terms, the plain step, and the ratios."""
    for width, height in TINY if tiny else SIZES:
        gaussians, views = views_of(width, height)
        reference = milliseconds(plain(gaussians, views))
        bare = milliseconds(ours(gaussians, views, surface=False))
        whole = milliseconds(ours(gaussians, views, surface=True))
        yield (
            f"{len(gaussians):,} at {width}x{height} | {reference:.2f} | {bare:.2f} | {bare / reference:.2f} "
            f"| {whole:.2f} | {whole / reference:.2f}"
        )
