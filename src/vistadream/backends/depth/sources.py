"""The three sources of the embedded depth for one picture: the network, the position prior and the layout."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth.network.predict import read, shipped_net
from vistadream.backends.depth.network.upsample import follow_picture
from vistadream.core import Camera

NEAREST = 0.1
"""Depth of the position prior at the lower border relative to that at the upper one."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Log z of each source at the picture's size, each up to an unknown constant."""

    camera: Camera
    """The given camera, with the focal length that the layout found where it was not known."""
    network: Float[Tensor, "H W"]
    network_error: Float[Tensor, "H W"]
    """Expected absolute error."""
    position: Float[Tensor, "H W"]
    layout: Float[Tensor, "H W"]
    """In heights of the camera above the floor."""
    layout_trust: float
    """In [0, 1]."""
    sky: Float[Tensor, "H W"]
    """Probability, from the network."""


def read_sources(rgb: Float[Tensor, "H W 3"], camera: Camera, focal_known: bool) -> Sources:
    """The sources for a picture on the CPU, whose camera's focal length is an initial guess unless `focal_known`."""
    from vistadream.backends.depth.layout.prior import read_layout  # numba: for those that predict

    colors = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    layout = read_layout(colors, camera.K.cpu().double().numpy(), focal_known)
    camera = camera if focal_known else camera.with_focal(camera.fx * layout.zoom)
    reading = read(shipped_net(), rgb, camera, focal_known=True)
    maps = torch.stack([reading.log_z, reading.error, reading.sky.sigmoid()])
    network, error, sky = follow_picture(maps, rgb)
    room = torch.from_numpy(layout.log_z).float()
    return Sources(camera, network, error, position_prior(*network.shape), room, layout.trust, sky)


def position_prior(height: int, width: int) -> Float[Tensor, "H W"]:
    """Log of a z that falls linearly from the upper border to the lower one: what is lower is usually nearer."""
    rows = (torch.arange(height) + 0.5) / height
    return torch.log(1 - (1 - NEAREST) * rows)[:, None].expand(-1, width)
