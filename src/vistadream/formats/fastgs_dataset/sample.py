"""The content of a dataset for one View: its central window, its normals, and where both can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import View
from vistadream.ops.depth.edges import relative_depth_edges
from vistadream.ops.depth.normals import normals_from_depth


@dataclass(frozen=True, eq=False)
class Sample:
    """One view with its geometric priors."""

    view: View
    """A View whose z is 0 where it is unknown."""
    normals: Float[Tensor, "h w 3"]
    """Unit normals in camera axes, facing the camera; 0 where unknown."""
    geometry: Bool[Tensor, "h w"]
    """Pixels whose z and normal can supervise geometry."""


def sample_of(view: View) -> Sample:
    """The View, cropped so that its principal point is in the middle, with priors from its depth.

    Geometry can be supervised where the fit must match the View, depth is known and no depth edge is near. Raises
    ValueError when the View has no depth or its principal point is outside the picture.
    """
    view = _centered(view)
    valid = view.depth.isfinite() & (view.depth > 0)
    view = replace(view, z=torch.where(valid, view.depth, 0.0))
    normals, has_normal = _normals(view, valid)
    geometry = view.supervise & valid & ~relative_depth_edges(view.depth, valid)
    return Sample(view, normals * has_normal[..., None], geometry)


def _normals(view: View, valid: Bool[Tensor, "h w"]) -> tuple[Float[Tensor, "h w 3"], Bool[Tensor, "h w"]]:
    """The normals of the View, turned to face the camera, or those of its depth; and which pixels have one."""
    if view.normals is None:
        return normals_from_depth(view.camera, view.depth, valid)
    away = (view.normals * view.camera.rays().to(view.normals)).sum(-1, keepdim=True) > 0
    return torch.where(away, -view.normals, view.normals), valid & (view.normals.norm(dim=-1) > 0)


def _centered(view: View) -> View:
    """The View, cropped to the largest window whose middle is within a quarter of a pixel of the principal point.

    The usual 3DGS readers know only a field of view, and assume the principal point in the middle of the picture.
    """
    camera = view.camera
    left, right = _window(camera.cx, camera.width, view.name)
    top, bottom = _window(camera.cy, camera.height, view.name)
    cut = (slice(top, bottom), slice(left, right))
    names = ("rgb", "z", "supervise", "lift", "generated", "confidence", "normals")
    maps = {name: getattr(view, name)[cut] for name in names if getattr(view, name) is not None}
    return replace(view, camera=camera.crop(left, top, right - left, bottom - top), **maps)


def _window(principal_px: float, size_px: int, name: str) -> tuple[int, int]:
    """The first pixel of the window, and the one after its last pixel."""
    both = round(2 * principal_px)
    low, high = max(0, both - size_px), min(size_px, both)
    if low >= high:
        raise ValueError(
            f"view {name!r} has its principal point at {principal_px:g} of {size_px} pixels; wanted it in the picture"
        )
    return low, high
