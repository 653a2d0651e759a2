"""How the coarse stage fills the holes of one new view: colour first, then depth that meets what is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, DepthEstimator, Note, Outpainter, View
from vistadream.ops.depth import align_scale_shift
from vistadream.ops.holes import blend_seam, complete_depth, fill_from_far_side, split_holes

Tell = Callable[[str, object], None]


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
            rgb = torch.where(large[..., None], self.outpainter(rgb, large, "", seed), rgb)
            z = self._depth(camera, rgb, z, large, tell)
        return rgb, z

    def _depth(
        self,
        camera: Camera,
        rgb: Float[Tensor, "h w 3"],
        z: Float[Tensor, "h w"],
        hole: Bool[Tensor, "h w"],
        tell: Tell,
    ) -> Float[Tensor, "h w"]:
        """The model's depth of the painted view, aligned in disparity and blended at the seam, if it fits."""
        known = ~hole
        continued = complete_depth(z, known)
        view = View("painted", camera, rgb, None, known, hole, hole)
        prediction = self.depth([view])[0]
        usable = prediction.valid & (prediction.z > 0)
        overlap = (usable & known).float()
        source, target = 1 / prediction.z.clamp_min(1e-6), 1 / z.clamp_min(1e-6)
        alignment = align_scale_shift(source, target, overlap)
        disparity = alignment.apply(source)
        misfit = ((disparity / target) - 1).abs()[overlap > 0]
        if not len(misfit) or float(misfit.median()) > self.max_misfit:
            tell("depth", Note("depth of the hole continued from its surroundings: no prediction that fits them"))
            return continued
        positive = usable & (disparity > 0.05 * target[known].min())
        aligned = torch.where(positive, 1 / disparity, continued)
        return blend_seam(torch.where(known, z, aligned), z, known)
