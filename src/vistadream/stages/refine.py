"""All Gaussians refined together: photometry, aligned depth and surface normals, over every View."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vistadream.core import Note, Observer, Renderer, Rendering, Scene, View
from vistadream.ops.close_up import WithCloseUps, check_close_ups
from vistadream.ops.depth import Alignment, align_scale_shift, normals_from_depth, relative_depth_edges
from vistadream.ops.fit import LearningRates, fit, view_order
from vistadream.ops.losses import disparity_error, masked_mean, normal_error, photometric


@dataclass(frozen=True)
class Refine:
    """Surfaces stay continuous because rendered depth and normals follow each View's; no Gaussian is flattened."""

    renderer: Renderer
    rates: LearningRates
    steps: int
    close_ups: float
    """Share of them that look at a quarter of a View at twice its size."""
    dssim: float
    generated_weight: float
    depth_weight: float
    """Of the disparity error relative to the mean disparity."""
    normal_weight: float
    """Of 1 - cosine between rendered and prior normals."""
    photo_share: float
    """Share of the steps that look at the photo and its canvas."""
    seed: int

    def __post_init__(self) -> None:
        check_close_ups("Refine", self.close_ups)
        if not 0 < self.photo_share <= 1:
            raise ValueError(f"Refine.photo_share: got {self.photo_share}; wanted over 0 and up to 1")

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        observe("refine/before", lambda: self._render(scene))
        photo = [not bool(view.generated.all()) for view in scene.views]
        others = max(1, len(photo) - sum(photo))
        weights = [
            self.photo_share / sum(photo) if is_photo else max(1 - self.photo_share, 1e-9) / others
            for is_photo in photo
        ]
        priors = {view.name: _Prior(view) for view in scene.views}
        surfaces = self.depth_weight > 0 or self.normal_weight > 0
        views = WithCloseUps(scene.views)
        order = views.order(view_order(weights, self.steps, self.seed), self.close_ups)
        gaussians = fit(
            scene.gaussians,
            views,
            self.renderer,
            lambda view, rendering, step: self._loss(view, rendering, priors.get(view.name)),
            self.rates,
            order=order,
            want=lambda step: ("rgb", "z") if surfaces and order[step] < len(scene.views) else ("rgb",),
            observe=observe,
            name="refine",
        )
        refined = Scene(scene.views, gaussians)
        observe("refine/after", lambda: self._render(refined))
        observe("refine/priors", Note("; ".join(prior.words() for prior in priors.values())))
        return refined

    def _render(self, scene: Scene) -> Tensor:
        canvas = [view for view in scene.views if not bool(view.generated.all())][-1]
        with torch.no_grad():
            return self.renderer(scene.gaussians, [canvas.camera], want=("rgb",))[0].rgb

    def _loss(self, view: View, rendering: Rendering, prior: _Prior | None) -> Tensor:
        loss = photometric(view, rendering, self.dssim, self.generated_weight)
        if prior is None:
            return loss
        if self.depth_weight > 0:
            loss = loss + self.depth_weight * prior.depth_loss(rendering.z)
        if self.normal_weight > 0:
            loss = loss + self.normal_weight * prior.normal_loss(rendering.z)
        return loss


class _Prior:
    """A View's depth as supervision: where it speaks, its normals, and its alignment to the scene, found once.

    Normals are compared on every other pixel of every other row, which costs a quarter and turns the same surfaces.
    """

    def __init__(self, view: View):
        self.view = view
        valid = view.z > 0
        self.mask = valid & view.supervise & ~relative_depth_edges(view.z, valid)
        self.grid = view.camera.decimate(2)
        self.normals, has_normal = normals_from_depth(self.grid, view.z[::2, ::2], valid[::2, ::2])
        self.normal_mask = self.mask[::2, ::2] & has_normal
        self.alignment: Alignment | None = None

    def depth_loss(self, z: Tensor) -> Tensor:
        if self.alignment is None:
            near = self.mask & (z > 0)
            source, target = (1 / t.detach().clamp_min(1e-6) for t in (self.view.z, z))
            self.alignment = align_scale_shift(source, target, near.float())
        error = disparity_error(z, self.view.z, self.alignment.scale, self.alignment.shift, self.mask)
        return masked_mean(error, self.mask)

    def normal_loss(self, z: Tensor) -> Tensor:
        z = z[::2, ::2]
        normals, has_normal = normals_from_depth(self.grid, z, z > 0)
        mask = self.normal_mask & has_normal
        return masked_mean(normal_error(normals, self.normals, mask), mask)

    def words(self) -> str:
        if self.alignment is None:
            return f"{self.view.name}: no depth term"
        return f"{self.view.name}: depth scale {self.alignment.scale:.3f}, shift {self.alignment.shift:+.4f}"
