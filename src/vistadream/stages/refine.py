"""All Gaussians refined together: photometry, aligned depth and surface normals, over every View."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from torch import Tensor

from vistadream.core import Observer, Renderer, Rendering, Scene, Summary, View
from vistadream.core.knobs import FROM_0, check_ranges
from vistadream.ops.evaluation.scene_metrics import SceneMetrics, changes, scene_metrics, summary
from vistadream.ops.fit.budget import Budget
from vistadream.ops.fit.loop import LearningRates, fit, view_order
from vistadream.ops.fit.losses import photometric
from vistadream.ops.fit.surface_loss import ShapeKeeping, SurfaceLoss, SurfaceTerms
from vistadream.ops.fit.zoomed_crop import WithZoomedCrops
from vistadream.ops.gaussians.shape import Shape


@dataclass(frozen=True)
class Refine:
    """Surfaces stay continuous because rendered depth and normals follow each View's; no Gaussian is flattened."""

    renderer: Renderer
    rates: LearningRates
    surface: SurfaceTerms
    budget: Budget
    steps: int
    close_ups: float
    """Share of them that look at a quarter of a View at twice its size."""
    dssim: float
    generated_weight: float
    photo_share: float
    """Share of the steps that look at the photo and its canvas."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, steps=FROM_0, close_ups=(0, 1), dssim=(0, 1), generated_weight=FROM_0)
        if not 0 < self.photo_share <= 1:
            raise ValueError(f"Refine.photo_share: got {self.photo_share}; wanted over 0 and up to 1")

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        before = scene_metrics(scene, self.renderer, self.surface.map or "z")
        shown = scene.canvas_of(scene.anchor) if scene.photos else scene.views[-1]
        observe("refine/before", before.pictures[shown.name])
        start = self.budget.merged(scene.gaussians, scene.views, self.renderer)
        before = replace(before, shape=Shape.of(start))  # merging drops alike Gaussians, and changes no shape
        views = WithZoomedCrops(scene.views)
        order = views.order(view_order(self._shares(scene), self.steps, self.seed), self.close_ups)
        loss = SurfaceLoss(self.surface, self._photometric, scene.views, order)
        gaussians = fit(
            start,
            views,
            ShapeKeeping(self.renderer),
            loss,
            self.rates,
            order=order,
            want=loss.want,
            observe=observe,
            name="refine",
            adapt=self.budget.adapt(scene.views, self.renderer, len(order), self.seed),
        )
        refined = replace(scene, gaussians=gaussians)
        after = scene_metrics(refined, self.renderer, self.surface.map or "z")
        observe("refine/after", after.pictures[shown.name])
        observe("refine/meta", self._summary(before, after, loss))
        return refined

    def _photometric(self, view: View, rendering: Rendering) -> Tensor:
        return photometric(view, rendering, self.dssim, self.generated_weight)

    def _shares(self, scene: Scene) -> list[float]:
        """Of the steps, for each View: `photo_share` for those that show some of the photo, the rest for the others."""
        photo = [view.origin != "novel" for view in scene.views]
        others = max(1, len(photo) - sum(photo))
        return [
            self.photo_share / sum(photo) if is_photo else max(1 - self.photo_share, 1e-9) / others
            for is_photo in photo
        ]

    def _summary(self, before: SceneMetrics, after: SceneMetrics, loss: SurfaceLoss) -> Summary:
        """What became of the scene, and how the priors were aligned in the end."""
        aligned = [f"{name}: {alignment.summary()}" for name, alignment in loss.alignments.items()]
        alignments = {name: asdict(alignment) for name, alignment in loss.alignments.items()}
        return Summary(
            "; ".join([*summary(before, after), *aligned]), changes(before, after) | {"alignments": alignments}
        )
