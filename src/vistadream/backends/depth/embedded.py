"""Approximate depth without a download, at the scale of a camera at eye height."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.blend import Blend, blend
from vistadream.backends.depth.network.predict import one_thread
from vistadream.backends.depth.sources import Sources, read_sources
from vistadream.backends.depth.steps import harden_steps
from vistadream.backends.needs import Needs
from vistadream.core import Camera, DepthPrediction, DepthSource, Note, View, current_observer
from vistadream.core.knobs import ABOVE_0, Range, check_ranges

DOUBTFUL = 0.35
"""Expected absolute error of log z above which the depth is called doubtful."""


@dataclass(frozen=True)
class EmbeddedDepth:
    """A small network, a position prior ("lower is nearer") and a layout prior (the box of a room), blended.

    Each view is processed on its own. The network's normals are not part of the prediction: on the sample their median
    error is 14 degrees, that of normals computed from the blended depth 7.
    """

    NEEDS = Needs(remark="approximate")

    camera_height_m: float
    """Assumed height of the camera above the floor, which sets the scale."""
    fov_x_deg: float
    """Horizontal field of view to start from where the focal length is unknown."""
    max_ratio: float
    """Ratio of the farthest to the nearest depth; larger ones are compressed, because they tear the scene apart."""

    def __post_init__(self) -> None:
        check_ranges(self, camera_height_m=ABOVE_0, fov_x_deg=Range(5, 150, True, True), max_ratio=Range(1, above=True))

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One prediction per view; not metric, because the height is a guess."""
        with one_thread():  # small maps: where other programs are at work, more threads mostly wait for each other
            return [self._predict(view) for view in views]

    def _predict(self, view: View) -> DepthPrediction:
        camera = view.camera if view.focal_known else self._guess(view.camera)
        sources = read_sources(view.rgb.detach().cpu(), camera, view.focal_known)
        blended = blend(sources)
        _note_quality(current_observer(), blended)
        sky = (sources.sky >= 0.5).to(view.rgb.device)
        shift = math.log(self.camera_height_m) + float(sources.layout.median())
        land = ~sky.cpu()
        log_z = harden_steps(_compressed(blended.log_z, land, self.max_ratio), land)
        z = torch.exp(log_z + shift).to(view.rgb)
        return DepthPrediction(
            z,
            valid=~sky,
            camera=sources.camera,
            is_metric=False,
            sky=sky,
            confidence=blended.confidence.to(view.rgb),
            sources=_shown(sources, blended),
        )

    def _guess(self, camera: Camera) -> Camera:
        return camera.with_focal(Camera.from_fov(self.fov_x_deg, camera.width, camera.height).fx)


def _compressed(log_z: Float[Tensor, "h w"], land: Bool[Tensor, "h w"], max_ratio: float) -> Float[Tensor, "h w"]:
    """Log z multiplied such that the range outside the sky is at most that of `max_ratio`; the order is kept.

    The range is that between the quantiles of 0.5 and 99.5 %; what lies outside is limited to it.
    """
    seen = log_z[land] if bool(land.any()) else log_z.flatten()
    near, far = torch.quantile(seen[:: max(1, len(seen) // 100_000)], torch.tensor([0.005, 0.995])).tolist()
    return log_z.clamp(near, far) * min(1.0, math.log(max_ratio) / max(far - near, 1e-6))


def _shown(sources: Sources, blended: Blend) -> tuple[DepthSource, ...]:
    """The sources with their weights, for viewer and report."""
    return (
        DepthSource("network", sources.network.exp(), 1 - blended.layout),
        DepthSource("position", sources.position.exp(), blended.position * (1 - blended.layout)),
        DepthSource("layout", sources.layout.exp(), blended.layout),
    )


def _note_quality(observe: Callable[..., None], blended: Blend) -> None:
    """Notes once in a run that this depth is approximate, where it came from, and whether it is doubtful."""
    if "depth/model" in _noted(observe):
        return
    _noted(observe).add("depth/model")
    better = "vistadream download cpu-depth, then backends/depth=moge (docs/weights.md)"
    observe("depth/model", Note(f"approximate depth (embedded); a trained model is more accurate: {better}"))
    parts = (
        f"network {1 - blended.layout:.2f}, room layout {blended.layout:.2f}; lower is nearer: {blended.position:.2f}"
    )
    observe("depth/sources", Note(f"depth from {parts}"))
    if blended.doubt > DOUBTFUL:
        helps = (
            "a trained model (backends/depth=moge), a depth map (backends/depth=given), or a photo with plainer shapes"
        )
        text = f"the depth of this picture is doubtful (expected error {blended.doubt:.0%}); what helps: {helps}"
        observe("depth/doubt", Note(text, "warning"))


@lru_cache(maxsize=1)
def _noted(observe: Callable[..., None]) -> set[str]:
    """The names of the notes that this observer has received."""
    return set()
