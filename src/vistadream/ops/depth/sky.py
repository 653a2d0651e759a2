"""The sky as a distant spherical shell that continues behind the skyline."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.core import Camera, View
from vistadream.ops.holes.poisson import poisson_fill
from vistadream.ops.image.pixels import dilate


def shell_z(camera: Camera, distance: float, device: torch.device | str = "cpu") -> Float[Tensor, "h w"]:
    """Camera-space z of a sphere of radius `distance` around the camera, on the device."""
    return distance / camera.rays(device).norm(dim=-1)


def eroded_sky(sky: Bool[Tensor, "h w"], mixed: float = 0.004) -> Bool[Tensor, "h w"]:
    """The sky mask without a border, `mixed` of the long side wide, of pixels that mix sky and foreground.

    On the distant shell such pixels would show as an outline of each foreground object when the camera moves.
    """
    return ~dilate(~sky, max(1, round(mixed * max(sky.shape))))


def sky_backdrop(view: View, sky: Bool[Tensor, "h w"], distance: float, reach: float) -> View:
    """A View of the sky behind the skyline, with the colors of the sky continued.

    Its `lift` pixels are a band below the skyline, `reach` of the picture's height wide; without sky there are none.
    `distance` is the radius of the sky shell. The colors are continued on the CPU, once for a View.
    """
    band = dilate(sky, max(1, round(reach * view.camera.height))) & ~sky
    outside = ~(sky | band)
    rgb = torch.from_numpy(poisson_fill(view.rgb.cpu().numpy(), sky.cpu().numpy(), outside=outside.cpu().numpy()))
    continued = torch.where(band[..., None], rgb.to(view.rgb).clamp(0, 1), view.rgb)
    return replace(view, name="backdrop", rgb=continued, z=shell_z(view.camera, distance, sky.device), lift=band)
