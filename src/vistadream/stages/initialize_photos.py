"""Stage initialize for several photos: their depth together, one surface of Gaussians from all of them, and a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import (
    DepthEstimator,
    DepthPrediction,
    Gaussians,
    MultiViewDepth,
    Observer,
    Progress,
    Renderer,
    Scene,
    SparsePoints,
    Summary,
    UserError,
    View,
)
from vistadream.core.knobs import FROM_0, check_ranges
from vistadream.core.names import PHOTO
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.fit.loop import view_order
from vistadream.ops.gaussians.lift import Lifting
from vistadream.ops.views.exposure import exposure_gains
from vistadream.ops.views.fusion import Fusion, by_new_surface
from vistadream.stages.painting import with_aligned_depth

_PLACE = f"initialize/{PHOTO}"


@dataclass(frozen=True)
class InitializePhotos:
    """Each pixel with trusted depth becomes one Gaussian, unless another photo has shown the same surface already."""

    depth: MultiViewDepth
    border_depth: DepthEstimator
    """For the painted border around the first photo, if there is one."""
    renderer: Renderer
    fitting: Fitting
    lifting: Lifting
    fusion: Fusion
    steps: int
    """Least number of steps of the fit."""
    rounds: int
    """Least number of steps of the fit for each photo."""
    max_misfit: float
    """The predicted depth of the border is not used when its median relative error is larger, after alignment."""
    exposure: bool
    """Whether differences of exposure between the photos are removed first."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, steps=FROM_0, rounds=FROM_0, max_misfit=FROM_0)

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        photos = self._with_depth(scene)
        photos, gains = self._at_one_exposure(photos, scene.points)
        photos, gaussians = self._lifted(photos, observe)
        border = self._border(scene, gains[0], gaussians, observe)
        views, gaussians = [*photos, *border], Gaussians.concat(gaussians, *map(self.lifting, border))
        for view in photos:
            observe(f"{_PLACE}/{view.name}/view", view)
        for view in border:
            observe("initialize/border/view", view)
        turns = view_order([1.0] * len(views), max(self.steps, self.rounds * len(views)), self.seed)
        gaussians = self.fitting(gaussians, views, self.renderer, turns, observe=observe, name="initialize")
        observe("initialize/render", partial(self._seen, gaussians, photos[0]))
        for photo in photos:
            observe(f"{_PLACE}/{photo.name}/render", partial(self._seen, gaussians, photo))
        observe("initialize/summary", _summary(photos, gains, len(gaussians)))
        return replace(scene.with_views(*views), gaussians=gaussians)

    def _seen(self, gaussians: Gaussians, photo: View) -> Float[Tensor, "h w 3"]:
        """The Gaussians from the photo's camera."""
        with torch.no_grad():
            return self.renderer(gaussians, [photo.camera], want=("rgb",))[0].require("rgb")

    def _with_depth(self, scene: Scene) -> list[View]:
        """The photos with their depth, which is 0 where it is not trusted."""
        predictions = self.depth(scene)
        return [with_depth(*pair) for pair in zip(scene.photos, predictions, strict=True)]

    def _at_one_exposure(
        self, photos: list[View], points: SparsePoints | None
    ) -> tuple[list[View], Float[Tensor, "v 3"]]:
        """The photos at their mean exposure, and the gain of each that was undone."""
        if not self.exposure or points is None:
            return photos, torch.ones(len(photos), 3)
        gains = exposure_gains(photos, points)
        return [at_mean_exposure(photo, gain) for photo, gain in zip(photos, gains, strict=True)], gains

    def _lifted(self, photos: Sequence[View], observe: Observer) -> tuple[list[View], Gaussians]:
        """The photos, whose `lift` is what each of them added, and the Gaussians of all: sure depth first."""
        sure, unsure = ([self.fusion.part(photo, is_sure) for photo in photos] for is_sure in (True, False))
        order, added = by_new_surface(sure, self.fusion.tolerance), [torch.zeros_like(photo.lift) for photo in photos]
        gaussians = Gaussians.empty()
        for done, (part, i) in enumerate([(part, i) for part in (sure, unsure) for i in order]):
            others = [other for j, other in enumerate(sure) if j != i]
            new = self._new_surface(part[i], gaussians, others, part is sure)
            added[i] |= new
            gaussians = Gaussians.concat(gaussians, self.lifting(replace(part[i], lift=new)))
            observe("initialize/lifting/progress", Progress(done + 1, 2 * len(photos)))
        if not len(gaussians):
            raise UserError(
                "no photo has trusted depth; wanted overlapping photos of one place from several positions: add photos "
                "between them, or choose another backends/multi_depth="
            )
        return [replace(photo, lift=new) for photo, new in zip(photos, added, strict=True)], gaussians

    def _new_surface(
        self, view: View, gaussians: Gaussians, others: Sequence[View], is_sure: bool
    ) -> Bool[Tensor, "h w"]:
        """The pixels of a View that the scene so far has no surface for, and that `others` do not see through."""
        new = view.lift & (view.depth > 0)
        if not bool(new.any()):
            return new
        if len(gaussians):
            with torch.no_grad():
                new = self.fusion.adds(view, self.renderer(gaussians, [view.camera], want=("z", "alpha"))[0])
        return new & ~self.fusion.floats(view, others, is_sure)

    def _border(self, scene: Scene, gain: Float[Tensor, "3"], gaussians: Gaussians, observe: Observer) -> list[View]:
        """The canvas around the first photo, if there is one, with the depth of the scene.

        Where the scene is open, it has a predicted depth that is aligned to the scene.
        """
        if (canvas := scene.canvas_of(scene.anchor)) is scene.anchor:
            return []
        with torch.no_grad():
            seen = self.renderer(gaussians, [canvas.camera], want=("z", "alpha"))[0]
        hole = seen.require("alpha") < self.fusion.open_alpha
        z = torch.where(hole, 0.0, seen.require("z"))
        view = replace(at_mean_exposure(canvas, gain), z=z, lift=canvas.lift & hole)
        if bool(hole.all()) or not bool(view.lift.any()):
            return [view]
        tell = partial(_observe_below, observe, "initialize/border")
        view = with_aligned_depth(self.border_depth, view, hole, self.max_misfit, tell)
        return [replace(view, lift=view.lift & (view.depth > 0))]


def _observe_below(observe: Observer, place: str, name: str, value: object) -> None:
    observe(f"{place}/{name}", value)


def with_depth(photo: View, prediction: DepthPrediction) -> View:
    """The photo with the predicted depth, which is 0 where it is not trusted."""
    valid = prediction.valid & torch.isfinite(prediction.z) & (prediction.z > 0)
    z = torch.where(valid, prediction.z, 0.0)
    return replace(photo, z=z, confidence=prediction.confidence, normals=prediction.normals)


def at_mean_exposure(photo: View, gain: Float[Tensor, "3"]) -> View:
    """The photo as it would be with the mean exposure of all photos."""
    return replace(photo, rgb=(photo.rgb / gain).clamp(0, 1))


def _summary(photos: Sequence[View], gains: Float[Tensor, "v 3"], total: int) -> Summary:
    rows = [
        {
            "name": photo.name,
            "depth_share": round(float((photo.depth > 0).float().mean()), 4),
            "lifted_share": round(float(photo.lift.float().mean()), 4),
            "gain_rgb": [round(float(g), 4) for g in gain],
        }
        for photo, gain in zip(photos, gains, strict=True)
    ]
    share = sum(float((photo.depth > 0).float().mean()) for photo in photos) / len(photos)
    text = f"{total:,} Gaussians from {len(photos)} photos, which have trusted depth in {share:.0%} of their pixels"
    return Summary(text, {"photos": rows, "gaussians": total})
