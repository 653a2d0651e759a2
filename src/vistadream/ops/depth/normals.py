"""Surface normals of depth maps."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera
from vistadream.ops.depth.edges import EDGE_THRESHOLD, bend, has_neighbors, neighbors


def _tangent(
    points: Float[Tensor, "h w 3"], z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], dim: int
) -> tuple[Float[Tensor, "h w 3"], Bool[Tensor, "h w"]]:
    """Difference of points along a dimension that stays on the surface of the pixel, and where it exists."""
    before, after = neighbors(points, dim)
    has_before, has_after = has_neighbors(valid, dim)
    backward, forward = points - before, after - points
    step_back = torch.where(has_before, backward[..., 2].abs(), torch.inf)
    step_on = torch.where(has_after, forward[..., 2].abs(), torch.inf)
    one_sided = torch.where((step_on <= step_back)[..., None], forward, backward)
    central = has_before & has_after & (bend(z, valid, dim) <= EDGE_THRESHOLD)
    return torch.where(central[..., None], backward + forward, one_sided), has_before | has_after


def normals_from_depth(
    camera: Camera, z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"]
) -> tuple[Float[Tensor, "h w 3"], Bool[Tensor, "h w"]]:
    """Unit normals in camera axes, facing the camera, and which pixels have one; (0, 0, -1) elsewhere.

    The normal is the cross product of central differences of the unprojected points. At depth edges, at the border and
    next to invalid pixels, it uses the one-sided difference that changes depth less. Exact on planes.
    """
    z = torch.where(valid, z, 1.0)
    rays = camera.rays(z.device).to(z)
    points = rays * z[..., None]
    along_v, has_v = _tangent(points, z, valid, 0)
    along_u, has_u = _tangent(points, z, valid, 1)
    normals = torch.linalg.cross(along_v / z[..., None], along_u / z[..., None])
    length = normals.norm(dim=-1)
    has_normal = valid & has_u & has_v & (length > 0)
    normals = normals / torch.where(has_normal, length, 1.0)[..., None]
    normals = torch.where(((normals * rays).sum(-1) > 0)[..., None], -normals, normals)
    facing = torch.zeros_like(normals)
    facing[..., 2] = -1.0
    return torch.where(has_normal[..., None], normals, facing), has_normal
