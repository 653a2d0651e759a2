"""How large a Gaussian is in a picture, and how large it was where it was fitted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians
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


def fitted_sizes_px(gaussians: Gaussians, cameras: Sequence[Camera]) -> Float[Tensor, "n"]:
    """The largest size at which each Gaussian was fitted: over the cameras that have its center in their picture.

    Of one that no camera has, over all of them.
    """
    largest = anywhere = gaussians.means.new_zeros(len(gaussians))
    for camera in cameras:
        pixels, z = camera.project(gaussians.means)
        size = sizes_px(gaussians, camera)
        inside = (z > 0) & (pixels >= 0).all(-1) & (pixels[:, 0] < camera.width) & (pixels[:, 1] < camera.height)
        largest = torch.maximum(largest, torch.where(inside, size, 0.0))
        anywhere = torch.maximum(anywhere, size)
    return torch.where(largest > 0, largest, anywhere)
