"""How much each Gaussian contributes to pictures, by one backward pass through an extra channel of ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer


def contributions(
    gaussians: Gaussians, cameras: Sequence[Camera], maps: Sequence[Float[Tensor, "_ _ c"]], renderer: Renderer
) -> Float[Tensor, "v n c"]:
    """Sum over each camera's pixels of map x w_i, for every Gaussian i and every channel of the camera's map.

    w_i is the blending weight of Gaussian i in a pixel: its alpha times the transmittance in front of it. For a map of
    ones the sum is the area in pixels that shows the Gaussian, and all areas add up to the sum of alpha. For a map of
    errors it is the error to which the Gaussian contributed. A blended channel of ones has the derivative w_i, so one
    backward pass with the map as upstream gradient adds up what FastGS (Ren et al. 2026) counts in its kernels.
    """
    sums = []
    for camera, weights in zip(cameras, maps, strict=True):
        ones = torch.ones(len(gaussians), weights.shape[-1], device=gaussians.means.device, requires_grad=True)
        blended = renderer(gaussians, [camera], want=(), extra=ones)[0].require("extra")
        sums.append(torch.autograd.grad(blended, ones, weights.to(blended))[0])
    return torch.stack(sums)
