"""The depth and normals of a View as supervision for its rendered surface."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, View
from vistadream.ops.depth.align import Alignment, align_subsampled
from vistadream.ops.depth.edges import relative_depth_edges
from vistadream.ops.depth.normals import normals_from_depth
from vistadream.ops.fit.losses import disparity_error, normal_error, weighted_mean
from vistadream.ops.image.pixels import dilate

_STRIDE = 2
"""Normals are compared at every second pixel of every second row, with the same effect at a quarter of the cost."""


class Target(NamedTuple):
    """What the rendered surface should be, by an aligned prior."""

    disparity: Float[Tensor, "h w"]
    """In the unit of the scene; 0 where it is not supervised."""
    normals: Float[Tensor, "gh gw 3"]
    """Unit normals in camera axes, on the grid of `SurfacePrior.grid`."""
    has_normal: Bool[Tensor, "gh gw"]
    """Where normals are supervised."""


class SurfacePrior:
    """The disparity of a View with its weights, and the normals of its surface."""

    def __init__(self, view: View):
        """Uses the normals of the View; if it has none, those of its aligned depth."""
        z = torch.zeros_like(view.rgb[..., 0]) if view.z is None else view.z
        valid = z.isfinite() & (z > 0)
        z = torch.where(valid, z, 1.0)
        edges = relative_depth_edges(z, valid)
        trusted = valid & view.supervise & ~edges
        self.grid: Camera = view.camera.decimate(_STRIDE)
        self.disparity: Float[Tensor, "h w"] = 1 / z
        self.weight: Float[Tensor, "h w"] = trusted.float() if view.confidence is None else trusted * view.confidence
        self._away_from_edges = on_grid(view.supervise & ~dilate(edges, 1))
        self._normals = None if view.normals is None else on_grid(_smoothed(view.normals, view.camera))

    def align(self, z: Float[Tensor, "h w"]) -> Alignment:
        """The robust scale and shift from this prior's disparity to that of the rendered z, which gets no gradient."""
        use = (self.weight > 0) & (z > 0)
        return align_subsampled(*torch.stack([self.disparity, 1 / z.detach(), self.weight])[:, use])

    def target(self, alignment: Alignment) -> Target:
        """The target for the rendered surface; without any depth when the alignment failed."""
        disparity = alignment.apply(self.disparity) * (self.weight > 0) * (alignment.reason is None)
        disparity = disparity.clamp_min(0.0)
        if self._normals is not None:
            return Target(disparity, self._normals, self._away_from_edges & (self._normals.norm(dim=-1) > 0.5))
        known = on_grid(disparity) > 0
        normals, has_normal = normals_from_depth(self.grid, 1 / torch.where(known, on_grid(disparity), 1.0), known)
        return Target(disparity, normals, self._away_from_edges & has_normal)

    def depth_error(self, z: Float[Tensor, "h w"], target: Target) -> Float[Tensor, ""]:
        """Mean error of the rendered disparity, relative to the mean disparity."""
        return weighted_mean(disparity_error(z, target.disparity, target.disparity > 0), self.weight * (z > 0))

    def normal_error(self, z: Float[Tensor, "h w"], target: Target) -> Float[Tensor, ""]:
        """Mean of 1 - cosine between the normals of the rendered depth and of the prior.

        The normals that a View brings may have either sign, so for them the absolute cosine counts.
        """
        normals, has_normal = normals_from_depth(self.grid, on_grid(z), on_grid(z) > 0)
        mask = target.has_normal & has_normal
        return weighted_mean(normal_error(normals, target.normals, mask, signed=self._normals is None), mask)


def _smoothed(normals: Float[Tensor, "h w 3"], camera: Camera) -> Float[Tensor, "h w 3"]:
    """Means of 3x3 normals that face the camera, as the rendered normals come from differences over 3x3 pixels."""
    away = (normals * camera.rays(normals.device)).sum(-1, keepdim=True) > 0
    facing = torch.where(away, -normals, normals).permute(2, 0, 1)
    return F.normalize(F.avg_pool2d(facing, 3, 1, 1).permute(1, 2, 0), dim=-1)


def on_grid(values: Tensor) -> Tensor:
    """The pixels of a map that are on the grid of `SurfacePrior.grid`."""
    return values[::_STRIDE, ::_STRIDE]
