"""The pixels of several Views as points in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import View
from vistadream.ops.depth.normals import normals_from_depth


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points with colors."""

    xyz: Float[Tensor, "n 3"]
    """World coordinates."""
    rgb: Float[Tensor, "n 3"]
    """sRGB colors in [0, 1]."""
    normals: Float[Tensor, "n 3"] | None = None
    """Unit normals in the world that face the camera of their pixel; None: they were not asked for."""

    def __len__(self) -> int:
        return len(self.xyz)


def point_cloud(
    views: Sequence[View], conf_percentile: float, max_points: int, with_normals: bool = False
) -> PointCloud:
    """The trusted pixels of the Views that have depth; `with_normals` those that also have a normal.

    Of the pixels that have a confidence, those below the `conf_percentile` of all Views together are left out. Of more
    than `max_points` pixels, that many are taken at random, and the same ones each time.
    """
    known = [(view, photographed(view)) for view in views if view.z is not None]
    scores = [view.confidence[mask] for view, mask in known if view.confidence is not None]
    least = _percentile(torch.cat(scores), conf_percentile) if scores else 0.0
    xyz, rgb, normals = [torch.zeros(0, 3)], [torch.zeros(0, 3)], [torch.zeros(0, 3)]
    for view, mask in known:
        keep = mask if view.confidence is None else mask & (view.confidence >= least)
        if with_normals:
            facing, has_normal = normals_from_depth(view.camera, view.depth, has_depth(view))
            keep = keep & has_normal
            normals.append((facing[keep] @ view.camera.cam_from_world[:3, :3].to(facing)).float().cpu())
        xyz.append(view.camera.unproject(view.depth)[keep].float().cpu())
        rgb.append(view.rgb[keep].float().cpu())
    return _subsampled(
        PointCloud(torch.cat(xyz), torch.cat(rgb), torch.cat(normals) if with_normals else None), max_points
    )


def has_depth(view: View) -> Bool[Tensor, "h w"]:
    """The pixels of a View whose z is known: finite and positive."""
    if view.z is None:
        return torch.zeros_like(view.supervise)
    return view.z.isfinite() & (view.z > 0)


def photographed(view: View) -> Bool[Tensor, "h w"]:
    """The pixels of a View with depth that a camera took, without those that a mask excludes."""
    return has_depth(view) & view.supervise & ~view.generated


def _percentile(values: Float[Tensor, "n"], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed; 0 when there are none."""
    if not len(values):
        return 0.0
    rank = round(percent / 100 * (len(values) - 1))
    return float(values.cpu().kthvalue(rank + 1).values)


def _subsampled(cloud: PointCloud, max_points: int) -> PointCloud:
    if len(cloud) <= max_points:
        return cloud
    order = torch.randperm(len(cloud), generator=torch.Generator().manual_seed(0))
    few = order[:max_points].sort().values
    return PointCloud(cloud.xyz[few], cloud.rgb[few], None if cloud.normals is None else cloud.normals[few])
