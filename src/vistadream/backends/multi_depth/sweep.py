"""Measured depth of several photos without weights: what a photo and its neighbors agree on is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vistadream.backends.multi_depth.filling import filled
from vistadream.backends.multi_depth.given import measured
from vistadream.backends.multi_depth.single import SingleViewDepth
from vistadream.core import DepthEstimator, DepthPrediction, Note, Progress, Scene, SparsePoints, View, tell
from vistadream.core.knobs import FROM_0, FROM_1, SHARE, Range, check_ranges, require
from vistadream.ops.depth.resample import resample_depth
from vistadream.ops.sweep.agreement import agrees, without_speckles
from vistadream.ops.sweep.eye import Eye, eye_of
from vistadream.ops.sweep.neighbors import Overlap
from vistadream.ops.sweep.sweep import PlaneSweep, Swept

MIN_PARALLAX_DEG = 1.0
"""At smaller angles between two photos, an error of a tenth of a pixel moves the depth by several percent."""
CHANCE = 0.6
"""By this factor each neighbor that agrees lowers the doubt about a depth."""
HALF_MARGIN = 0.03
"""The margin of a match at which its confidence is half of that of the clearest match."""


@dataclass(frozen=True)
class SweepDepth:
    """Plane sweep of each photo against its best neighbors, then the agreement of the neighbors' maps."""

    depth: DepthEstimator
    """The depth model for one photo, for photos that do not overlap and for pixels on which photos do not agree."""
    resolution_px: int
    """Long side at which photos are matched."""
    planes: int
    """Number of depths that are tried."""
    windows_px: Sequence[int]
    """Sides of the windows that are compared. Small ones keep edges sharp, large ones match plain surfaces."""
    neighbors: int
    """Number of photos that a photo is compared with."""
    tolerance: float
    """Largest relative difference of two depths that agree."""
    agreeing: int
    """Number of neighbors whose depth must agree for a depth to be trusted."""
    smallest: float
    """Trusted regions that cover a smaller share of the picture are taken for chance."""
    fill: bool
    """Whether pixels on which photos do not agree get the depth of the model, brought to the measured depth around."""
    max_misfit: float
    """The model's depth is used where its mean relative error at the measured pixels around is no larger."""

    def __post_init__(self) -> None:
        wanted = {"resolution_px": Range(32), "planes": Range(8), "neighbors": FROM_1, "agreeing": FROM_1}
        check_ranges(
            self, **wanted, tolerance=Range(0.001, 0.5), smallest=SHARE, max_misfit=FROM_0, windows_px=Range(3, 31)
        )
        odd = len(self.windows_px) > 0 and all(side % 2 == 1 for side in self.windows_px)
        require(self, "windows_px", odd, "a list of odd numbers")

    def __call__(self, scene: Scene) -> list[DepthPrediction]:
        """One prediction for each photo, valid where the depth is trusted."""
        overlap = Overlap.of(scene.photos, scene.points or SparsePoints.empty())
        if (parallax_deg := overlap.parallax_deg()) < MIN_PARALLAX_DEG:
            why = f"the photos differ by {parallax_deg:.1f} degrees only" if overlap.angles else "no photos overlap"
            text = f"{why}, too little to measure depth: the depth of each photo is estimated on its own"
            tell("multi_depth/parallax", Note(text, "warning"))
            return SingleViewDepth(self.depth)(scene)
        eyes = [eye_of(view, self.resolution_px) for view in scene.photos]
        near = [overlap.neighbors(i, self.neighbors) for i in range(len(eyes))]
        swept = self._sweep(eyes, near, overlap)
        counts = [self._agreement(i, eyes, swept, near[i]) for i in range(len(eyes))]
        trusted = [self._trusted(*each, scene.is_metric) for each in zip(scene.photos, swept, counts, strict=True)]
        share = float(np.mean([float(prediction.valid.float().mean()) for prediction in trusted]))
        tell("multi_depth/trusted", Note(f"depth: {share:.0%} of the pixels are measured, as neighbors agree on them"))
        return self._filled(trusted, scene.photos) if self.fill else trusted

    def _filled(self, trusted: Sequence[DepthPrediction], views: Sequence[View]) -> list[DepthPrediction]:
        complete = []
        for prediction, view in zip(trusted, views, strict=True):
            complete.append(filled(prediction, view, self.depth, self.max_misfit))
            tell("multi_depth/filling/progress", Progress(len(complete), len(views)))
        return complete

    def _sweep(self, eyes: Sequence[Eye], near: Sequence[Sequence[int]], overlap: Overlap) -> list[Swept]:
        sweep = PlaneSweep(self.planes, tuple(side // 2 for side in self.windows_px), torch.get_num_threads())
        swept = []
        for i, eye in enumerate(eyes):
            sources = [eyes[j] for j in near[i]]
            swept.append(sweep(eye, sources, *overlap.z_range(i)) if sources else Swept.nothing(eye))
            tell("multi_depth/progress", Progress(i + 1, len(eyes)))
        return swept

    def _agreement(
        self, i: int, eyes: Sequence[Eye], swept: Sequence[Swept], near: Sequence[int]
    ) -> Int[np.ndarray, "h w"]:
        """The number of neighbors that agree with the depth of each pixel of photo i."""
        count = np.zeros(eyes[i].gray.shape, np.int64)
        for j in near:
            count += agrees(eyes[i], swept[i].z, eyes[j], swept[j].z, self.tolerance, torch.get_num_threads())
        return count

    def _trusted(self, view: View, swept: Swept, count: Int[np.ndarray, "h w"], is_metric: bool) -> DepthPrediction:
        """The prediction for a view at its own size; what was measured by a sensor stays as it is."""
        smallest = round(self.smallest * count.size)
        trusted = without_speckles(count >= self.agreeing, swept.z, self.tolerance, smallest)
        z = _resized(torch.from_numpy(np.where(trusted, swept.z, np.float32(0))), view)
        confidence = _nearest(torch.from_numpy(_confidence(count, swept.margin)), view).to(view.rgb)
        sensor = measured(view, is_metric)
        z = torch.where(sensor.valid, sensor.z, z.to(view.rgb))
        confidence = torch.where(sensor.valid, 1.0, confidence)
        return replace(sensor, z=z, valid=(z > 0) & view.lift, confidence=confidence)


def _confidence(count: Int[np.ndarray, "h w"], margin: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """From 0 to 1: rises with the number of neighbors that agree, and with the margin of the match."""
    return ((1 - CHANCE**count) * margin / (margin + HALF_MARGIN)).astype(np.float32)


def _resized(z: Float[Tensor, "H W"], view: View) -> Float[Tensor, "h w"]:
    """The depth map at the size of the view's picture; 0 is unknown."""
    height, width = z.shape
    camera = view.camera
    same = (height, width) == (camera.height, camera.width)
    return z if same else resample_depth((0, 0, width, height), z, camera.width, camera.height)


def _nearest(values: Float[Tensor, "H W"], view: View) -> Float[Tensor, "h w"]:
    """The values of the nearest pixels at the size of the view's picture."""
    size = (view.camera.height, view.camera.width)
    return torch.nn.functional.interpolate(values[None, None], size, mode="nearest-exact")[0, 0]
