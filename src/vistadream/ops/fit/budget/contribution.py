"""What each Gaussian contributes to pictures, counted by one backward pass through an extra channel of ones."""

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

    w_i is the share of Gaussian i in a blended pixel, its alpha times what is let through to it. Where a map is one,
    this is the area in pixels that shows the Gaussian, and over all Gaussians they add up to the sum of alpha; where it
    is an error, the error that the Gaussian took part in. A blended channel of ones has w_i as its derivative, so one
    backward pass with the map as upstream gradient adds up what FastGS (Ren et al. 2026) counts in its kernels.
    """
    sums = []
    for camera, weights in zip(cameras, maps, strict=True):
        ones = torch.ones(len(gaussians), weights.shape[-1], device=gaussians.means.device, requires_grad=True)
        blended = renderer(gaussians, [camera], want=(), extra=ones)[0].extra
        sums.append(torch.autograd.grad(blended, ones, weights.to(blended))[0])
    return torch.stack(sums)
