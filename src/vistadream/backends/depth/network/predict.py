"""Runs the network on one picture: input at the size of its training, output at half of that size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth.network.model import STRIDE, DepthNet, pack
from vistadream.backends.depth.network.reading import Reading, mean
from vistadream.core import Camera

WEIGHTS = "weights.safetensors"
GLANCES = tuple((area, border) for area in (1.0, 0.85, 0.7, 0.55, 0.45) for border in (0.0, 0.03))
"""Areas at which the picture is read, as factors of the largest area of the training, and the border that is left out
on each side. The first decides the size of the maps. Details come from the largest; the order of distant parts more
often from the smallest, on which the network was trained most. What depends on the phase of the pixels, or on what the
border cuts, is averaged out, so that a cropped picture has nearly the same depth."""


@cache
def shipped_net() -> DepthNet:
    """The network with the weights that come with the package."""
    with as_file(files(__package__) / WEIGHTS) as path:
        return load_net(path)


def load_net(path: Path) -> DepthNet:
    """A network from a file of exported weights, which states its size of pictures and numbers of blocks."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        facts = file.metadata()
        net = DepthNet(int(facts["area"]), int(facts["depth"]), int(facts["blocks"]))
        net.load_state_dict({name: file.get_tensor(name).float() for name in net.state_dict()})
    return net.eval()


def working_size(height: int, width: int, area: int) -> tuple[int, int]:
    """Height and width, multiples of STRIDE, with about this area and the picture's aspect ratio."""
    scale = math.sqrt(area / (height * width))
    fitted = [max(2, round(side * scale / STRIDE)) * STRIDE for side in (height, width)]
    return fitted[0], fitted[1]


@contextmanager
def one_thread() -> Iterator[None]:
    """Runs torch on one thread in the block: the same bits on any number of cores, and not slower on small maps."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def read(net: DepthNet, rgb: Float[Tensor, "H W 3"], camera: Camera, focal_known: bool) -> Reading:
    """The mean of the predictions for a picture of any size and for its mirror image, at several working sizes."""
    with one_thread():
        return mean([reading for glance in GLANCES for reading in _both_ways(net, rgb, camera, focal_known, *glance)])


def _both_ways(
    net: DepthNet, rgb: Float[Tensor, "H W 3"], camera: Camera, focal_known: bool, factor: float, border: float
) -> tuple[Reading, Reading]:
    """The predictions for the picture without its border and, mirrored back, for its mirror image."""
    top, left = round(border * camera.height), round(border * camera.width)
    camera = camera.crop(left, top, camera.width - 2 * left, camera.height - 2 * top)
    rgb = rgb[top : top + camera.height, left : left + camera.width]
    height, width = working_size(camera.height, camera.width, round(factor * net.area))
    small = F.interpolate(rgb.permute(2, 0, 1)[None].float(), (height, width), mode="area")
    rays = camera.resize(width, height).rays().to(small)[..., :2].permute(2, 0, 1)[None]
    flag = small.new_tensor([float(focal_known)])
    mirror = rays.flip(-1) * rays.new_tensor([-1.0, 1.0])[:, None, None]
    maps = net(torch.cat([pack(small, rays, flag), pack(small.flip(-1), mirror, flag)]))
    error, back = maps.log_error.exp(), maps.normal.new_tensor([-1, 1, 1])[:, None, None]
    straight, mirrored = zip(maps.log_z, error, maps.normal, maps.sky, strict=True)
    log_z, error, normal, sky = (x.flip(-1) for x in mirrored)
    return Reading(*straight, border), Reading(log_z, error, normal * back, sky, border)
