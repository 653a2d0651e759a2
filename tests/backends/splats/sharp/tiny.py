"""A small network of the same parts, with random weights, and a picture for it."""

import torch

from vistadream.backends.splats.sharp.network import SharpNetwork
from vistadream.backends.splats.sharp.predict import Sharp
from vistadream.backends.splats.sharp.sizes import Sizes
from vistadream.core import Camera, View

TINY = Sizes(
    grid=8,
    channels=48,
    blocks=2,
    heads=2,
    early=(0, 1),
    classes=5,
    levels=(16, 16, 16, 16),
    depth_channels=16,
    splat_channels=16,
)
"""The smallest grid whose patches overlap by whole tokens: pictures of 512 px."""


SMALLER, MORE_OPAQUE = -0.7, 2.5
"""What the heads add to the scales and opacities, so that a wall of Gaussians is closed and thin at this size."""


def random_network() -> SharpNetwork:
    """Its depth is about 2 m for a focal length of the picture's width, and 4 m in the second layer, with a relief."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SharpNetwork(TINY)
        for name, tensor in network.state_dict().items():
            if name.endswith("gamma"):
                tensor.fill_(1.0)
        last = network.monodepth_model["monodepth_predictor"].head[4]
        last.weight.data *= 0.05 / last.weight.data.abs().max()
        last.bias.data.copy_(torch.tensor([0.5, 0.25]))
        about = network.prediction_head["texture_prediction_head"].bias.data.view(-1, 2)
        about[:3], about[10] = SMALLER, MORE_OPAQUE
    return network


def sharp(path, **knobs) -> Sharp:
    given = {"path": path, "device": "cpu", "memory": "auto", "accept_noncommercial": True, "sky": "shell"}
    return Sharp(**given | knobs)


def photo(camera: Camera, focal_known: bool = True, seed: int = 0) -> View:
    """A picture without edges."""
    coarse = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    rgb = torch.nn.functional.interpolate(coarse, (camera.height, camera.width), mode="bicubic").clamp(0, 1)
    everywhere = torch.ones(camera.height, camera.width, dtype=torch.bool)
    return View("input", camera, rgb[0].permute(1, 2, 0), None, everywhere, everywhere, ~everywhere, focal_known)
