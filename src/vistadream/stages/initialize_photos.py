"""Stage initialize for several photos: their depth together, one surface of Gaussians from all of them, and a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import (
    DepthEstimator,
    DepthPrediction,
    Gaussians,
    MultiViewDepth,
    Observer,
    Renderer,
    Scene,
    SparsePoints,
    Summary,
    View,
)
from vistadream.core.knobs import FROM_0, FROM_1, check_ranges
from vistadream.core.names import PHOTO
from vistadream.ops.depth.sky import eroded_sky
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.fit.loop import view_order
from vistadream.ops.gaussians.lift import Lifting
from vistadream.ops.views.exposure import exposure_gains
from vistadream.ops.views.fusion import Fusion
from vistadream.stages.joint_surface import JointSurface
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
    sky_distance: float
    """Distance of the sky shell as a multiple of the farthest surface (98th percentile)."""
    max_misfit: float
    """The predicted depth of the border is not used when its median relative error is larger, after alignment."""
    exposure: bool
    """Whether differences of exposure between the photos are removed first."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, steps=FROM_0, rounds=FROM_0, max_misfit=FROM_0, sky_distance=FROM_1)

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        predictions = self.depth(scene)
        photos = [with_depth(*pair) for pair in zip(scene.photos, predictions, strict=True)]
        photos, gains = self._at_one_exposure(photos, scene.points)
        surface = JointSurface(self.renderer, self.lifting, self.fusion)
        photos, gaussians = surface(photos, observe)
        skies = [torch.zeros_like(each.valid) if each.sky is None else each.sky for each in predictions]
        gaussians = surface.with_sky(photos, skies, gaussians, self.sky_distance * farthest(photos))
        border = self._border(scene, gains[0], gaussians, observe)
        views, gaussians = [*photos, *border], Gaussians.concat(gaussians, *map(self.lifting, border))
        for view in photos:
            observe(f"{_PLACE}/{view.name}/view", view)
        for view in border:
            observe("initialize/border/view", view)
        observe("initialize/gaussians", gaussians)  # to look at before the fit
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

    def _at_one_exposure(
        self, photos: list[View], points: SparsePoints | None
    ) -> tuple[list[View], Float[Tensor, "v 3"]]:
        """The photos at their mean exposure, and the gain of each that was undone."""
        if not self.exposure or points is None:
            return photos, torch.ones(len(photos), 3)
        gains = exposure_gains(photos, points)
        return [at_mean_exposure(photo, gain) for photo, gain in zip(photos, gains, strict=True)], gains

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
    """The photo with the predicted depth, which is 0 where it is not trusted.

    Pixels in which sky and surface mix are neither lifted nor fitted.
    """
    valid = prediction.valid & torch.isfinite(prediction.z) & (prediction.z > 0)
    z = torch.where(valid, prediction.z, 0.0)
    view = replace(photo, z=z, confidence=prediction.confidence, normals=prediction.normals)
    if prediction.sky is None:
        return view
    mixed = prediction.sky & ~eroded_sky(prediction.sky)
    return replace(view, lift=view.lift & ~mixed, supervise=view.supervise & ~mixed)


def farthest(photos: Sequence[View]) -> float:
    """The 98th percentile of the depth of all photos."""
    z = torch.cat([photo.depth[photo.depth > 0] for photo in photos])
    return float(torch.quantile(z[:: max(1, len(z) // 100_000)], 0.98))


def at_mean_exposure(photo: View, gain: Float[Tensor, "3"]) -> View:
    """The photo as it would be with the mean exposure of all photos."""
    return replace(photo, rgb=(photo.rgb / gain.to(photo.rgb.device)).clamp(0, 1))


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
