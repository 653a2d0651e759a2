"""How the coarse stage fills the holes of one new view: colour first, then depth that meets what is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, DepthEstimator, Note, Outpainter, View
from vistadream.ops.depth import align_scale_shift
from vistadream.ops.holes import blend_seam, complete_depth, fill_from_far_side, split_holes
from vistadream.ops.visibility import near_rim

Tell = Callable[[str, object], None]

_RIM = 0.08
"""Reach, as a share of the long side, within which things in front of a hole are kept out of what is painted there."""


@dataclass(frozen=True)
class Painter:
    """Thin holes continue their far side; large ones are painted, and their depth is predicted or continued."""

    depth: DepthEstimator
    outpainter: Outpainter
    max_misfit: float

    def __call__(
        self,
        camera: Camera,
        rgb: Float[Tensor, "h w 3"],
        z: Float[Tensor, "h w"],
        hole: Bool[Tensor, "h w"],
        seed: int,
        tell: Tell,
    ) -> tuple[Float[Tensor, "h w 3"], Float[Tensor, "h w"]]:
        """Colour and depth with the hole filled; known pixels come back untouched."""
        thin, large = split_holes(hole)
        if bool(thin.any()):
            filled_rgb, filled_z = fill_from_far_side(rgb, z, hole)
            rgb = torch.where(thin[..., None], filled_rgb, rgb)
            z = torch.where(thin, filled_z, z)
        if bool(large.any()):
            continued = complete_depth(z, ~large)
            unknown = large | near_rim(z, large, continued, round(_RIM * max(hole.shape)))
            painted = self.outpainter(rgb, unknown, "", seed)
            rgb = torch.where(large[..., None], painted, rgb)
            z = torch.where(large, self._depth(View("painted", camera, rgb, z, ~large, large, large), unknown, tell), z)
        return rgb, z

    def _depth(self, view: View, unknown: Bool[Tensor, "h w"], tell: Tell) -> Float[Tensor, "h w"]:
        """The model's depth of the painted view, aligned in disparity to the known one and blended at the seam.

        Where it does not fit what is known, the known depth is continued instead.
        """
        known = ~unknown
        prediction = self.depth([replace(view, z=None)])[0]
        usable = prediction.valid & (prediction.z > 0)
        overlap = usable & known
        source, target = 1 / prediction.z.clamp_min(1e-6), 1 / view.z.clamp_min(1e-6)
        alignment = align_scale_shift(source, target, overlap.float())
        disparity = alignment.apply(source)
        misfit = ((disparity / target) - 1).abs()[overlap]
        if not len(misfit) or float(misfit.median()) > self.max_misfit:
            tell("depth", Note("depth of the hole continued from its surroundings: no prediction that fits them"))
            return complete_depth(view.z, known)
        positive = usable & (disparity > 0.05 * target[known].min())
        aligned = torch.where(positive, 1 / disparity, complete_depth(view.z, known))
        return blend_seam(torch.where(known, view.z, aligned), view.z, known)
