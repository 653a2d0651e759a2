"""Runs the network on one picture: weights from the package, in at the size it was trained at, out at half of that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth.network.model import STRIDE, DepthNet, Maps, pack
from vistadream.core import Camera

WEIGHTS = "weights.safetensors"


@cache
def shipped_net() -> DepthNet:
    """The network with the weights of the package."""
    from safetensors import safe_open

    with as_file(files(__package__) / WEIGHTS) as path, safe_open(path, "pt") as file:
        net = DepthNet(int(file.metadata()["area"]))
        net.load_state_dict({name: file.get_tensor(name).float() for name in net.state_dict()})
    return net.eval()


def working_size(height: int, width: int, area: int) -> tuple[int, int]:
    """The height and width, multiples of STRIDE, nearest to the picture's proportions at about that area."""
    scale = math.sqrt(area / (height * width))
    fitted = [max(2, round(side * scale / STRIDE)) * STRIDE for side in (height, width)]
    return fitted[0], fitted[1]


@dataclass(frozen=True, eq=False)
class Reading:
    """What the network says of one picture, at its own small size."""

    log_z: Float[Tensor, "h w"]
    error: Float[Tensor, "h w"]
    """Expected absolute error of log_z."""
    normal: Float[Tensor, "3 h w"]
    """In OpenCV camera axes, of about unit length."""
    sky: Float[Tensor, "h w"]
    """Logits."""
    zoom: float
    """True focal length over the camera's."""


@contextmanager
def one_thread() -> Iterator[None]:
    """torch works on one thread in the block: the same bits on any number of cores, and no slower on small maps."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def read(net: DepthNet, rgb: Float[Tensor, "H W 3"], camera: Camera, focal_known: bool) -> Reading:
    """The mean of what the net says of a picture and of its mirror image, whatever the picture's size."""
    height, width = working_size(camera.height, camera.width, net.area)
    small = F.interpolate(rgb.permute(2, 0, 1)[None].float(), (height, width), mode="area")
    rays = camera.resize(width, height).rays().to(small)[..., :2].permute(2, 0, 1)[None]
    flag = small.new_tensor([float(focal_known)])
    mirror = rays.flip(-1) * rays.new_tensor([-1.0, 1.0])[:, None, None]
    with one_thread():
        said = net(torch.cat([pack(small, rays, flag), pack(small.flip(-1), mirror, flag)]))
    return _mean_of_mirrored(said)


def _mean_of_mirrored(said: Maps) -> Reading:
    def both(x: Tensor) -> Tensor:
        return 0.5 * (x[0] + x[1].flip(-1))

    normal = both(said.normal * said.normal.new_tensor([[1, 1, 1], [-1, 1, 1]])[..., None, None])
    level = said.log_z.mean((1, 2), keepdim=True)
    disagreement = both((said.log_z - level)[[0, 1]]) - (said.log_z - level)[0]
    error = both(said.log_error.exp()) + disagreement.abs()
    return Reading(both(said.log_z), error, normal, both(said.sky), math.exp(float(said.log_zoom.mean())))
