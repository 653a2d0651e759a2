"""How large a Gaussian is in a picture, and how large it was where it was fitted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, View
from vistadream.ops.gaussians.rotation import rotations_from_quats


def sizes_px(gaussians: Gaussians, camera: Camera) -> Float[Tensor, "n"]:
    """The largest standard deviation of each Gaussian in a picture, in pixels; 0 behind the camera."""
    pose = camera.cam_from_world.to(gaussians.means)
    center = gaussians.means @ pose[:3, :3].T + pose[:3, 3]
    z = center[:, 2].clamp(min=1e-6)
    jacobian = center.new_zeros(len(z), 2, 3)
    jacobian[:, 0, 0], jacobian[:, 0, 2] = camera.fx / z, -camera.fx * center[:, 0] / z**2
    jacobian[:, 1, 1], jacobian[:, 1, 2] = camera.fy / z, -camera.fy * center[:, 1] / z**2
    axes = rotations_from_quats(gaussians.quats_wxyz) * gaussians.scales[:, None]
    across = jacobian @ pose[:3, :3] @ axes
    xx, yy = across.square().sum(-1).unbind(-1)
    xy = (across[:, 0] * across[:, 1]).sum(-1)
    size = ((xx + yy) / 2 + (((xx - yy) / 2).square() + xy.square()).sqrt()).sqrt()  # eigenvalue of the 2x2 covariance
    return torch.where(center[:, 2] > 0, size, 0.0)


def fitted_sizes_px(gaussians: Gaussians, views: Sequence[View]) -> Float[Tensor, "n"]:
    """The largest size at which each Gaussian was fitted: over the views that supervise the pixel of its center.

    Of one that none supervises, over the views that have its center in their picture; of one outside of all, over all.
    """
    supervised = inside = anywhere = gaussians.means.new_zeros(len(gaussians))
    for view in views:
        size = sizes_px(gaussians, view.camera)
        within, row, column, _ = view.camera.pixels_of(gaussians.means)
        fitted = within & view.supervise.to(within.device)[row, column]
        supervised = torch.maximum(supervised, torch.where(fitted, size, 0.0))
        inside = torch.maximum(inside, torch.where(within, size, 0.0))
        anywhere = torch.maximum(anywhere, size)
    return torch.where(supervised > 0, supervised, torch.where(inside > 0, inside, anywhere))
