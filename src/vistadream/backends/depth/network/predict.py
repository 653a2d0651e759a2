"""Runs the network on one picture: input at the size of its training, output at half of that size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth.network.model import STRIDE, DepthNet, pack
from vistadream.core import Camera

WEIGHTS = "weights.safetensors"
AREAS = (1.0, 0.7, 0.45)
"""Areas at which the picture is read, as factors of the largest area of the training; the first decides the size of the
maps. Details come from the largest; the order of distant parts more often from the smallest, on which the network was
trained most. What depends on the phase of the pixels, as in a cropped picture, is averaged out."""


@cache
def shipped_net() -> DepthNet:
    """The network with the weights that come with the package."""
    with as_file(files(__package__) / WEIGHTS) as path:
        return load_net(path)


def load_net(path: Path) -> DepthNet:
    """A network from a file of exported weights, which states its size of pictures and number of attention blocks."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        facts = file.metadata()
        net = DepthNet(int(facts["area"]), depth=int(facts.get("depth", 3)))
        net.load_state_dict({name: file.get_tensor(name).float() for name in net.state_dict()})
    return net.eval()


def working_size(height: int, width: int, area: int) -> tuple[int, int]:
    """Height and width, multiples of STRIDE, with about this area and the picture's aspect ratio."""
    scale = math.sqrt(area / (height * width))
    fitted = [max(2, round(side * scale / STRIDE)) * STRIDE for side in (height, width)]
    return fitted[0], fitted[1]


@dataclass(frozen=True, eq=False)
class Reading:
    """The network's prediction for one picture, at its output resolution."""

    log_z: Float[Tensor, "h w"]
    error: Float[Tensor, "h w"]
    """Expected absolute error of log_z."""
    normal: Float[Tensor, "3 h w"]
    """In OpenCV camera axes, of approximately unit length."""
    sky: Float[Tensor, "h w"]
    """Logits."""


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
    areas = [round(factor * net.area) for factor in AREAS]
    return _mean([maps for area in areas for maps in _both_ways(net, rgb, camera, focal_known, area)])


def _both_ways(
    net: DepthNet, rgb: Float[Tensor, "H W 3"], camera: Camera, focal_known: bool, area: int
) -> tuple[Reading, Reading]:
    """The predictions for the picture and, mirrored back, for its mirror image, at about this number of pixels."""
    height, width = working_size(camera.height, camera.width, area)
    small = F.interpolate(rgb.permute(2, 0, 1)[None].float(), (height, width), mode="area")
    rays = camera.resize(width, height).rays().to(small)[..., :2].permute(2, 0, 1)[None]
    flag = small.new_tensor([float(focal_known)])
    mirror = rays.flip(-1) * rays.new_tensor([-1.0, 1.0])[:, None, None]
    with one_thread():
        maps = net(torch.cat([pack(small, rays, flag), pack(small.flip(-1), mirror, flag)]))
    error, back = maps.log_error.exp(), maps.normal.new_tensor([-1, 1, 1])[:, None, None]
    straight, mirrored = zip(maps.log_z, error, maps.normal, maps.sky, strict=True)
    log_z, error, normal, sky = (x.flip(-1) for x in mirrored)
    return Reading(*straight), Reading(log_z, error, normal * back, sky)


def _mean(readings: list[Reading]) -> Reading:
    """The mean at the size of the first; the expected error includes how far the predictions disagree."""
    log_z, error, normal, sky = (
        torch.cat([_resized(getattr(reading, name), readings[0].log_z.shape) for reading in readings])
        for name in ("log_z", "error", "normal", "sky")
    )
    leveled = log_z - log_z.mean((2, 3), keepdim=True)
    error = error.mean(0) + (leveled - leveled.mean(0)).abs().mean(0)
    return Reading(log_z.mean(0)[0], error[0], normal.mean(0), sky.mean(0)[0])


def _resized(x: Tensor, size: Sequence[int]) -> Float[Tensor, "1 c h w"]:
    """A map or several, (h, w) or (c, h, w), in a batch of one at another size."""
    x = x.reshape(1, -1, *x.shape[-2:])
    return x if x.shape[2:] == size else F.interpolate(x, size, mode="bilinear")
