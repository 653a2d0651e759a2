"""Gaussians that stay closed when they are seen larger than they were fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from vistadream.core import Camera, Gaussians


def filter_3d(gaussians: Gaussians, cameras: Sequence[Camera], variance_px2: float) -> Gaussians:
    """The Gaussians blurred by `variance_px2`, in squared pixels of whichever camera sees each one finest.

    A renderer widens what it draws by 0.3 px^2 of *its* pixels, so what was fitted on a small picture falls apart into
    dots on a large screen. The 3D filter of Mip-Splatting (Yu et al. 2024, eq. 7 to 9) puts width of the fitted
    picture's pixels into the scene; its loss of opacity is left out, for here surfaces are to be closed. A Gaussian
    behind all cameras stays as it is.
    """
    pixel = torch.full_like(gaussians.opacities, torch.inf)
    for camera in cameras:
        z = camera.project(gaussians.means)[1]
        pixel = torch.where(z > 0, torch.minimum(pixel, z / max(camera.fx, camera.fy)), pixel)
    blur = torch.where(torch.isfinite(pixel), variance_px2 * pixel**2, 0.0)
    return replace(gaussians, scales=torch.sqrt(gaussians.scales**2 + blur[:, None]))
