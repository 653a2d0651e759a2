"""How the coarse stage fills the holes of one new view: colors first, then depth that continues the known depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, DepthEstimator, Note, Outpainter, View
from vistadream.ops.depth.align import align_scale_shift, weighted_median
from vistadream.ops.holes.fill import blend_seam, complete_depth, fill_from_far_side, split_holes
from vistadream.ops.holes.visibility import near_rim

Tell = Callable[[str, object], None]

_RIM = 0.08
"""Distance from a hole, as a share of the long side, within which foreground pixels are hidden from the outpainter."""
_OTHER_SURFACE = 3
"""Where prediction and known depth differ by more than this multiple of `max_misfit`, they show different surfaces, for
example at an edge that is slightly displaced."""


@dataclass(frozen=True)
class Painter:
    """Fills thin holes from the farther side of their border, and large holes by the outpainter.

    The depth of a large hole is predicted, or continued from the known depth where the prediction does not fit.
    """

    depth: DepthEstimator
    outpainter: Outpainter
    prompt: str
    """Description of the scene for the outpainter."""
    max_misfit: float

    def __call__(
        self,
        camera: Camera,
        rgb: Float[Tensor, "h w 3"],
        z: Float[Tensor, "h w"],
        hole: Bool[Tensor, "h w"],
        seed: int,
        tell: Tell,
    ) -> tuple[Float[Tensor, "h w 3"], Float[Tensor, "h w"], Float[Tensor, "h w"] | None]:
        """Colors and depth with the hole filled, and the confidence of that depth; known pixels are unchanged."""
        confidence = None
        thin, large = split_holes(hole)
        if bool(thin.any()):
            filled_rgb, filled_z = fill_from_far_side(rgb, z, hole)
            rgb = torch.where(thin[..., None], filled_rgb, rgb)
            z = torch.where(thin, filled_z, z)
        if bool(large.any()):
            continued = complete_depth(z, ~large)
            unknown = large | near_rim(z, large, continued, round(_RIM * max(hole.shape)))
            painted = self.outpainter(rgb, unknown, self.prompt, seed)
            rgb = torch.where(large[..., None], painted, rgb)
            view = View("painted", camera, rgb, z, ~large, large, large, origin="novel")
            view = with_aligned_depth(self.depth, view, unknown, self.max_misfit, tell)
            z = torch.where(large, view.depth, z)
            confidence = None if view.confidence is None else torch.where(large, view.confidence, 1.0)
        return rgb, z, confidence


def with_aligned_depth(
    depth: DepthEstimator, view: View, unknown: Bool[Tensor, "h w"], max_misfit: float, tell: Tell
) -> View:
    """The painted view with the model's depth, aligned in disparity to the known depth and blended at the seam.

    The confidence of a pixel is its weight in the alignment, and its weight against the continuation of the known
    depth in the result. A prediction that does not fit the known depth is not used at all.
    """
    known = ~unknown
    continued = complete_depth(view.depth, known)
    prediction = depth([replace(view, z=None)])[0]
    confidence = torch.ones_like(view.depth) if prediction.confidence is None else prediction.confidence
    usable = prediction.valid & (prediction.z > 0) & (confidence > 0)
    overlap = usable & known
    source, target = 1 / prediction.z.clamp_min(1e-6), 1 / view.depth.clamp_min(1e-6)
    disparity = align_scale_shift(source, target, overlap * confidence).apply(source)
    misfit = ((disparity / target) - 1).abs()[overlap]
    if not len(misfit) or float(weighted_median(misfit, confidence[overlap])) > max_misfit:
        tell("depth", Note("depth of the hole continued from its surroundings, since the prediction does not fit"))
        return replace(view, z=continued)
    positive = usable & (disparity > 0.05 * target[known].min())
    aligned = torch.lerp(continued, torch.where(positive, 1 / disparity, continued), confidence)
    other_surface = known & ((aligned / view.depth - 1).abs() > _OTHER_SURFACE * max_misfit)
    z = blend_seam(torch.where(other_surface, view.depth, aligned), view.depth, known)
    return replace(view, z=z, confidence=prediction.confidence)
