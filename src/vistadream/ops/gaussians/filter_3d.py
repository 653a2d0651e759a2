"""The 3D smoothing filter, which keeps surfaces without gaps in renderings larger than the fitted pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from vistadream.core import Camera, Gaussians


def filter_3d(gaussians: Gaussians, cameras: Sequence[Camera], variance_px2: float) -> Gaussians:
    """The Gaussians blurred by `variance_px2`, in squared pixels of the camera that sees each one at the finest scale.

    A renderer widens each Gaussian by 0.3 px^2 of *its* pixels, so a scene that was fitted to a small picture breaks
    into dots on a large screen. The 3D filter of Mip-Splatting (Yu et al. 2024, eq. 7 to 9) adds the pixel size of the
    fitted picture to the scene itself. Its reduction of opacity is left out, because surfaces must have no gaps here.
    A Gaussian behind all cameras is not changed.
    """
    # The size of a pixel at each Gaussian, in world units: the smallest over the cameras that see it.
    pixel = torch.full_like(gaussians.opacities, torch.inf)
    for camera in cameras:
        z = camera.project(gaussians.means)[1]
        pixel = torch.where(z > 0, torch.minimum(pixel, z / max(camera.fx, camera.fy)), pixel)
    blur = torch.where(torch.isfinite(pixel), variance_px2 * pixel**2, 0.0)
    return replace(gaussians, scales=torch.sqrt(gaussians.scales**2 + blur[:, None]))
