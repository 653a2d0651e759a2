"""The View of a photo."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, View


def photo_view(camera: Camera, rgb: Float[Tensor, "h w 3"], focal_known: bool) -> View:
    """A View whose every pixel was photographed: the fit must match it, and it becomes Gaussians."""
    everywhere = torch.ones(camera.height, camera.width, dtype=torch.bool)
    return View("input", camera, rgb, None, everywhere, everywhere, ~everywhere, focal_known)
