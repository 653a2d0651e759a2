"""The sky: a far shell that goes on behind the skyline."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, View
from vistadream.ops.holes.poisson import poisson_fill
from vistadream.ops.image.pixels import dilate


def shell_z(camera: Camera, distance: float) -> Float[Tensor, "h w"]:
    """Camera-space z of a sphere of radius `distance` around the camera."""
    return distance / camera.rays().norm(dim=-1)


def clear_of_the_skyline(sky: Bool[Tensor, "h w"], mixed: float = 0.004) -> Bool[Tensor, "h w"]:
    """The sky without its rim of pixels that mix in what stands before it, `mixed` of the long side wide.

    On the far shell such pixels would stay behind as an outline of every tower when the camera moves.
    """
    return ~dilate(~sky, max(1, round(mixed * max(sky.shape))))


def behind_the_skyline(view: View, sky: Bool[Tensor, "h w"], distance: float, reach: float) -> View:
    """A View of the sky that the skyline hides, up to `reach` of the picture's height behind it, its colours continued.

    Its `lift` pixels are that band; without sky there are none.
    """
    band = dilate(sky, max(1, round(reach * view.camera.height))) & ~sky
    outside = ~(sky | band)
    rgb = poisson_fill(view.rgb.numpy(), sky.numpy(), outside=outside.numpy())
    continued = torch.where(band[..., None], torch.from_numpy(rgb).float().clamp(0, 1), view.rgb)
    return replace(view, name="backdrop", rgb=continued, z=shell_z(view.camera, distance), lift=band)
