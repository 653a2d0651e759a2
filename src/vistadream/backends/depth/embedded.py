"""Approximate depth without a download: the layout of the picture, at the scale of a camera at eye height."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from vistadream.backends.depth.network.fusion import fuse
from vistadream.backends.depth.network.predict import read, shipped_net
from vistadream.backends.needs import Needs
from vistadream.core import Camera, DepthPrediction, Note, View, current_observer
from vistadream.core.knobs import ABOVE_0, Range, check_ranges
from vistadream.ops.depth.normals import normals_from_depth


@dataclass(frozen=True)
class EmbeddedDepth:
    """A layout prior (vanishing points, horizon, room box or ground and backdrop) blended with a small network.

    Each view is processed on its own. The network's normals are not part of the prediction: on the sample their median
    error is 14 degrees, that of normals computed from the blended depth 7.
    """

    NEEDS = Needs(remark="approximate")

    camera_height_m: float
    """Assumed height of the camera above the floor, which sets the scale."""
    fov_x_deg: float
    """Horizontal field of view to start from where the focal length is unknown."""
    max_ratio: float
    """Upper bound of farthest over nearest depth; limits how far a wrong depth can tear the scene apart."""
    network: bool
    """Blend in the small network (`network/`), weighted by its expected error relative to that of the layout."""

    def __post_init__(self) -> None:
        check_ranges(self, camera_height_m=ABOVE_0, fov_x_deg=Range(5, 150, True, True), max_ratio=Range(1, above=True))

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One prediction per view; not metric, because the height is a guess."""
        _note_accuracy(current_observer())
        return [self._predict(view) for view in views]

    def _predict(self, view: View) -> DepthPrediction:
        from vistadream.backends.depth.layout.prior import read_layout  # numba: for those that predict

        camera = view.camera if view.focal_known else self._guess(view.camera)
        picture = view.rgb.detach().cpu()
        rgb = (picture.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        layout = read_layout(rgb, camera.K.cpu().double().numpy(), view.focal_known)
        camera = camera if view.focal_known else camera.with_focal(camera.fx * layout.zoom)
        z, sky = torch.from_numpy(layout.z).float(), torch.from_numpy(layout.sky)
        if not self.network:
            return self._finished(camera, z.to(view.rgb), sky.to(view.rgb.device))
        fused = fuse(z, sky, layout.error, read(shipped_net(), picture, camera, focal_known=True), picture)
        prediction = self._finished(camera, fused.z.to(view.rgb), fused.sky.to(view.rgb.device))
        return replace(prediction, confidence=fused.confidence.to(view.rgb))

    def _finished(self, camera: Camera, z: Tensor, sky: Tensor) -> DepthPrediction:
        """The prediction at the assumed scale, with a bounded range. A pixel without a surface normal is not valid."""
        z = z * self.camera_height_m
        z = z.clamp(min=float(z.max()) / self.max_ratio)
        _, has_normal = normals_from_depth(camera, z, ~sky)
        return DepthPrediction(z, ~sky & has_normal, camera, False, sky=sky)

    def _guess(self, camera: Camera) -> Camera:
        return camera.with_focal(Camera.from_fov(self.fov_x_deg, camera.width, camera.height).fx)


@lru_cache(maxsize=1)
def _note_accuracy(observe: Callable[..., None]) -> None:
    """Notes once in a run that this depth is approximate, and how to get a better model."""
    better = "vistadream download cpu-depth, then backends/depth=moge (docs/weights.md)"
    observe("depth/model", Note(f"approximate depth (embedded); a trained model is more accurate: {better}"), None)
