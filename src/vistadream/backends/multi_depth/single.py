"""The depth of each photo on its own, brought to the scale of the points that it sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import DepthEstimator, DepthPrediction, Progress, Scene, SparsePoints, View, tell
from vistadream.ops.depth.align import Alignment, align_scale_shift

MIN_POINTS = 200
"""With fewer points, only the scale is fitted: a shift from few noisy points makes the depth worse."""
MAX_ERROR_PX = 1.0
"""A point with a larger reprojection error does not count for a shift."""
MIN_SPAN = 2.0
"""The least ratio of far to near points (95th to 5th percentile) from which a shift can be told."""


@dataclass(frozen=True)
class SingleViewDepth:
    """Runs a depth model on one photo after the other, and fits its result to the points of the scene."""

    depth: DepthEstimator
    """The depth model for one photo."""

    def __call__(self, scene: Scene) -> list[DepthPrediction]:
        """One prediction for each photo, in the unit of the scene."""
        predictions = []
        for i, view in enumerate(scene.photos):
            predictions += self.depth([view])
            tell("multi_depth/progress", Progress(i + 1, len(scene.photos)))
        return at_scale_of_points(predictions, scene)


def at_scale_of_points(predictions: Sequence[DepthPrediction], scene: Scene) -> list[DepthPrediction]:
    """The predictions for the photos in the unit of the scene, each fitted to the points that its photo sees."""
    points = scene.points or SparsePoints.empty()
    pairs = zip(predictions, scene.photos, strict=True)
    placed = [replace(each, camera=view.camera, is_metric=scene.is_metric) for each, view in pairs]
    fits = [fit_to_points(*pair, points) for pair in zip(placed, scene.photos, strict=True)]
    usual = _usual(fits)
    return [_applied(fit or usual, p, v) for fit, p, v in zip(fits, placed, scene.photos, strict=True)]


def fit_to_points(prediction: DepthPrediction, view: View, points: SparsePoints) -> Alignment | None:
    """The map from the prediction's z to that of the points that the view sees; None when it sees none.

    It is the median ratio, or scale and shift when many exact points at different depths allow it.
    """
    predicted, known, error_px = _at_points(prediction, view, points)
    if not len(known):
        return None
    exact = error_px < MAX_ERROR_PX
    if int(exact.sum()) >= MIN_POINTS:
        near, far = torch.quantile(known[exact], torch.tensor([0.05, 0.95]).to(known)).tolist()
        if far >= MIN_SPAN * near:
            return align_scale_shift(predicted[exact], known[exact], torch.ones_like(known[exact]))
    return Alignment(float((known / predicted).median()), 0.0, len(known))


def _at_points(
    prediction: DepthPrediction, view: View, points: SparsePoints
) -> tuple[Float[Tensor, "k"], Float[Tensor, "k"], Float[Tensor, "k"]]:
    """Predicted depth, depth of the points and their reprojection error, where the prediction is valid."""
    number, px = (t.cpu() for t in points.seen_by(view.name))
    known = view.camera.to("cpu").project(points.xyz.cpu()[number])[1]
    column = px[:, 0].floor().long().clamp(0, view.camera.width - 1)
    row = px[:, 1].floor().long().clamp(0, view.camera.height - 1)
    predicted = prediction.z.cpu()[row, column]
    use = prediction.valid.cpu()[row, column] & (known > 0) & (predicted > 0)
    return predicted[use], known[use], points.error_px.cpu()[number][use]


def _usual(fits: Sequence[Alignment | None]) -> Alignment:
    """The median scale of the views that see points, for those that see none."""
    scales = [fit.scale for fit in fits if fit is not None]
    return Alignment(float(torch.tensor(scales).median()) if scales else 1.0, 0.0, 0)


def _applied(fit: Alignment, prediction: DepthPrediction, view: View) -> DepthPrediction:
    """The prediction in the unit of the scene, not valid where a mask covers it or where it is behind the camera."""
    z = fit.apply(prediction.z)
    return replace(prediction, z=z, valid=prediction.valid & view.lift & (z > 0))
