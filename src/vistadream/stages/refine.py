"""Stage refine: all Gaussians are optimized together on the colors, aligned depth and normals of every View."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from vistadream.core import Observer, Renderer, Scene, Summary
from vistadream.core.knobs import FROM_0, Range, check_ranges
from vistadream.ops.evaluation.scene_metrics import SceneMetrics, changes, scene_metrics, summary
from vistadream.ops.fit.budget import Budget
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.fit.loop import fit, view_order
from vistadream.ops.fit.surface_loss import ShapeKeeping, SurfaceLoss, SurfaceTerms
from vistadream.ops.fit.zoomed_crop import WithZoomedCrops
from vistadream.ops.gaussians.shape import Shape


@dataclass(frozen=True)
class Refine:
    """Rendered depth and normals follow those of each View, so surfaces stay continuous; no term flattens Gaussians."""

    renderer: Renderer
    fitting: Fitting
    surface: SurfaceTerms
    budget: Budget
    steps: int
    """Number of steps of the fit."""
    photo_share: float
    """Share of the steps that show the photo or its canvas."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, steps=FROM_0, photo_share=Range(0, 1, above=True))

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        before = scene_metrics(scene, self.renderer, self.surface.map or "z")
        shown = scene.canvas_of(scene.anchor) if scene.photos else scene.views[-1]
        observe("refine/before", before.pictures[shown.name])
        start = self.budget.merged(scene.gaussians, scene.views, self.renderer)
        before = replace(before, shape=Shape.of(start))  # merging drops alike Gaussians, and changes no shape
        views = WithZoomedCrops(scene.views)
        order = views.order(view_order(self._shares(scene), self.steps, self.seed), self.fitting.zoomed_share)
        loss = SurfaceLoss(self.surface, self.fitting.loss, scene.views, order)
        gaussians = fit(
            start,
            views,
            ShapeKeeping(self.fitting.watched(self.renderer)),
            loss,
            self.fitting.rates,
            order=order,
            want=lambda step: tuple(dict.fromkeys((*loss.want(step), *self.fitting.want(step)))),
            observe=observe,
            name="refine",
            adapt=self.budget.adapt(scene.views, self.renderer, len(order), self.seed),
        )
        refined = replace(scene, gaussians=gaussians)
        after = scene_metrics(refined, self.renderer, self.surface.map or "z")
        observe("refine/after", after.pictures[shown.name])
        observe("refine/meta", self._summary(before, after, loss))
        return refined

    def _shares(self, scene: Scene) -> list[float]:
        """The share of the steps for each View: `photo_share` for photos and canvases, the rest for novel views."""
        photo = [view.origin != "novel" for view in scene.views]
        others = max(1, len(photo) - sum(photo))
        return [
            self.photo_share / sum(photo) if is_photo else max(1 - self.photo_share, 1e-9) / others
            for is_photo in photo
        ]

    def _summary(self, before: SceneMetrics, after: SceneMetrics, loss: SurfaceLoss) -> Summary:
        """The metrics before and after, and the final alignment of each View's depth."""
        aligned = [f"{name}: {alignment.summary()}" for name, alignment in loss.alignments.items()]
        alignments = {name: asdict(alignment) for name, alignment in loss.alignments.items()}
        return Summary(
            "; ".join([*summary(before, after), *aligned]), changes(before, after) | {"alignments": alignments}
        )
