"""Stage initialize: predict depth for the photo and its border, lift the pixels to Gaussians, and fit these."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import (
    DepthEstimator,
    DepthPrediction,
    GaussianInitializer,
    Gaussians,
    Note,
    Observer,
    Renderer,
    Scene,
    UserError,
    View,
)
from vistadream.core.knobs import FROM_0, FROM_1, SHARE, check_ranges
from vistadream.ops.depth.edges import sharpen_depth_edges, smooth_depth
from vistadream.ops.depth.sky import eroded_sky, shell_z, sky_backdrop
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.gaussians.lift import Lifting
from vistadream.ops.holes.fill import complete_depth
from vistadream.stages.far_side import FarSide
from vistadream.stages.predicted_splats import seen_depth, without_sky


@dataclass(frozen=True)
class Initialize:
    """Every pixel of the canvas becomes one Gaussian; the fit then makes them render the canvas.

    Where a model predicts the Gaussians, their depth is that of the scene, and only the sky is lifted.
    """

    depth: DepthEstimator
    splats: GaussianInitializer
    renderer: Renderer
    fitting: Fitting
    lifting: Lifting
    far_side: FarSide
    """What lies behind the depth edges."""
    steps: int
    """Number of steps of the fit."""
    smoothing: float
    """Relative depth noise that is smoothed away; 0 leaves the depth unchanged."""
    sky_distance: float
    """Distance of the sky shell as a multiple of the farthest surface (98th percentile)."""
    sky_reach: float
    """How far the sky continues behind the skyline, as a share of the picture's height."""

    def __post_init__(self) -> None:
        check_ranges(self, steps=FROM_0, smoothing=SHARE, sky_distance=FROM_1, sky_reach=SHARE)

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        canvas = scene.canvas_of(scene.anchor)
        prediction = self.depth([canvas])[0]
        observe("initialize/prediction", prediction)
        splats = self.splats(canvas, prediction.camera.fx)
        if splats is not None:
            prediction = seen_depth(splats, prediction.sky, self.renderer)
            observe("initialize/splats", prediction)
        sky = prediction.sky if prediction.sky is not None else torch.zeros_like(prediction.valid)
        z = self._surface(prediction, sky, splats is None, observe)
        far = self.sky_distance * float(torch.quantile(z[~sky][:: max(1, len(z[~sky]) // 100_000)], 0.98))
        clear = eroded_sky(sky)
        z = torch.where(sky, shell_z(prediction.camera, far, z.device), z)
        sure = None if prediction.confidence is None else torch.where(sky, 1.0, prediction.confidence)
        normals = None if prediction.normals is None else prediction.normals * prediction.valid[..., None]
        surface = Surface(z, sure, normals, sky & ~clear, prediction.camera.fx)
        scene = scene.with_views(*(surface.seen_by(view, canvas) for view in scene.views))
        canvas = scene.canvas_of(scene.anchor)
        observe("initialize/depth", canvas)
        predicted = [] if splats is None else [without_sky(splats.gaussians, canvas.camera, sky)]
        lifted = scene.views if splats is None else (replace(canvas, lift=clear),)
        backdrop = sky_backdrop(canvas, clear, far, self.sky_reach)
        gaussians = Gaussians.concat(*predicted, *map(self.lifting, (*lifted, backdrop)))
        observe("initialize/gaussians", gaussians)  # to look at before the fit
        if splats is None:
            gaussians = Gaussians.concat(gaussians, *map(self.lifting, self.far_side(canvas, sky, observe)))
        turns = [0] * self.steps
        gaussians = self.fitting(gaussians, [canvas], self.renderer, turns, observe=observe, name="initialize")
        observe("initialize/render", lambda: self.renderer(gaussians, [canvas.camera], want=("rgb",))[0].rgb)
        return replace(scene, gaussians=gaussians, is_metric=prediction.is_metric)

    def _surface(
        self, prediction: DepthPrediction, sky: Bool[Tensor, "h w"], noisy: bool, observe: Observer
    ) -> Float[Tensor, "h w"]:
        """z of every pixel that is not sky, with gaps filled.

        `noisy`: flying pixels are moved to a surface, and noise is smoothed away.
        """
        z, valid = prediction.z, prediction.valid & torch.isfinite(prediction.z) & (prediction.z > 0)
        if int(valid.sum()) < 16:
            raise UserError(
                f"the depth model found no surface ({int(valid.sum())} valid pixels); wanted some: try another picture "
                "or backends/depth="
            )
        z = torch.where(valid, z, 1.0)
        z = sharpen_depth_edges(z, valid) if noisy else z
        gaps = ~valid & ~sky
        predicted, in_sky = (float(mask.float().mean()) for mask in (valid, sky))
        observe("initialize/gaps", Note(f"depth: {predicted:.0%} predicted, sky {in_sky:.0%}"))
        if bool(gaps.any()):
            z = complete_depth(z, valid)
        return smooth_depth(z, self.smoothing) if noisy else z


@dataclass(frozen=True, eq=False)
class Surface:
    """What is known of the surface that a canvas shows, pixel by pixel."""

    z: Float[Tensor, "h w"]
    confidence: Float[Tensor, "h w"] | None
    normals: Float[Tensor, "h w 3"] | None
    mixed: Bool[Tensor, "h w"]
    """Pixels in which sky and surface mix. They are neither lifted nor fitted, since they would appear as an outline
    of the surface when the camera moves."""
    focal_px: float

    def seen_by(self, view: View, canvas: View) -> View:
        """The view with its window of the canvas's surface, under the predicted focal length where none was known."""
        left, top = round(canvas.camera.cx - view.camera.cx), round(canvas.camera.cy - view.camera.cy)
        window = (slice(top, top + view.camera.height), slice(left, left + view.camera.width))
        return replace(
            view,
            camera=view.camera if view.focal_known else view.camera.with_focal(self.focal_px),
            z=self.z[window].clone(),
            confidence=None if self.confidence is None else self.confidence[window].clone(),
            normals=None if self.normals is None else self.normals[window].clone(),
            supervise=view.supervise & ~self.mixed[window],
            lift=view.lift & ~self.mixed[window],
            focal_known=True,
        )
