"""Runs the network on one picture: input at the size of its training, output at half of that size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth.network.model import STRIDE, DepthNet, Maps, pack
from vistadream.core import Camera

WEIGHTS = "weights.safetensors"


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
    """The mean of the predictions for a picture of any size and for its mirror image."""
    height, width = working_size(camera.height, camera.width, net.area)
    small = F.interpolate(rgb.permute(2, 0, 1)[None].float(), (height, width), mode="area")
    rays = camera.resize(width, height).rays().to(small)[..., :2].permute(2, 0, 1)[None]
    flag = small.new_tensor([float(focal_known)])
    mirror = rays.flip(-1) * rays.new_tensor([-1.0, 1.0])[:, None, None]
    with one_thread():
        maps = net(torch.cat([pack(small, rays, flag), pack(small.flip(-1), mirror, flag)]))
    return _average(maps)


def _average(maps: Maps) -> Reading:
    """The mean of the maps of a picture (first) and of its mirror image (second)."""

    def mean(x: Tensor) -> Tensor:
        return 0.5 * (x[0] + x[1].flip(-1))

    normal = mean(maps.normal * maps.normal.new_tensor([[1, 1, 1], [-1, 1, 1]])[..., None, None])
    # The expected error includes the disagreement of the two predictions.
    level = maps.log_z.mean((1, 2), keepdim=True)
    disagreement = mean((maps.log_z - level)[[0, 1]]) - (maps.log_z - level)[0]
    error = mean(maps.log_error.exp()) + disagreement.abs()
    return Reading(mean(maps.log_z), error, normal, mean(maps.sky))
