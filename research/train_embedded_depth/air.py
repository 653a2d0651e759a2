"""What is far away, painted anew: skies of all kinds, haze that grows with distance, dusk."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.generate import FAR_M, Samples
from train_embedded_depth.tensors import on_some, some, tensor

SKY, HAZE, DUSK = 0.75, 0.2, 0.07
"""Shares of the pictures with another sky, with haze, and at dusk."""
ZENITHS = np.array(
    [[0.15, 0.4, 0.8], [0.4, 0.6, 0.9], [0.75, 0.77, 0.8], [0.45, 0.47, 0.5], [0.2, 0.22, 0.4], [0.03, 0.03, 0.07]]
)
HORIZONS = np.array([[0.8, 0.87, 0.95], [0.9, 0.93, 0.95], [0.85, 0.85, 0.86], [0.6, 0.6, 0.6], [0.95, 0.55, 0.3]])
"""sRGB colors of skies: blue, pale, overcast, dark, dusk and night. Any zenith occurs above any horizon."""
ZENITH_SHARES, HORIZON_SHARES = (0.25, 0.22, 0.25, 0.1, 0.1, 0.08), (0.3, 0.25, 0.25, 0.08, 0.12)
CLOUDY = 0.5
"""Share of the painted skies that have clouds."""


def aired(rgb: Tensor, s: Samples, rng: Generator) -> Float[Tensor, "b 3 h w"]:
    """Other skies, then haze of the color of the sky or of its own, then dusk."""
    rgb = torch.where(s.sky[:, None], torch.lerp(rgb, _skies(rgb, rng), 0.95 * some(rng, len(rgb), SKY)), rgb)
    rgb = on_some(rgb, rng, HAZE, lambda x, i: _hazy(x, s.z[i], s.sky[i], rng))
    return on_some(rgb, rng, DUSK, lambda x, i: _dusky(x, s.sky[i], rng))


def _skies(rgb: Tensor, rng: Generator) -> Float[Tensor, "b 3 h w"]:
    """Gradients from a zenith at the top to a horizon somewhere below, half of them with clouds."""
    b, _, h, w = rgb.shape
    zenith, horizon = (
        tensor(colors[rng.choice(len(colors), b, p=shares)] + rng.normal(0, 0.07, (b, 3)))[..., None, None]
        for colors, shares in ((ZENITHS, ZENITH_SHARES), (HORIZONS, HORIZON_SHARES))
    )
    horizon = torch.lerp(zenith, horizon, tensor(rng.random((b, 1, 1, 1)) ** 0.5))
    low = tensor(rng.uniform(0.9, 4, (b, 1, 1, 1)))
    sky = torch.lerp(zenith, horizon, (low * torch.linspace(0, 1, h)[:, None]).clamp(max=1))
    shape = sum(
        F.interpolate(tensor(rng.normal(0, 0.6**k, (b, 1, 4 << k, 3 << k))), (h, w), mode="bilinear") for k in range(4)
    )
    sharpness, cover = tensor(rng.uniform(0.7, 12, (b, 1, 1, 1))), tensor(rng.normal(0.3, 0.7, (b, 1, 1, 1)))
    amount = torch.sigmoid((shape - cover) * sharpness) * some(rng, b, CLOUDY)
    cloud = tensor(rng.uniform(0.1, 1.1, (b, 1, 1, 1)) + rng.normal(0, 0.04, (b, 3, 1, 1))) - 0.12 * shape
    return torch.lerp(sky, cloud, amount * tensor(rng.uniform(0.2, 1, (b, 1, 1, 1)))).clamp(0, 1)


def _hazy(rgb: Tensor, z: Tensor, sky: Tensor, rng: Generator) -> Tensor:
    """Air that hides much of what is far; in most pictures with sky it has almost the color of the sky."""
    b = len(rgb)
    distance = torch.where(sky, 0.0, z.clamp(max=FAR_M))
    far = torch.quantile(distance[:, ::4, ::4].flatten(1), 0.95, dim=1).clamp(min=0.1)[:, None, None, None]
    size = sky.sum((1, 2))[:, None, None, None]
    mean = (rgb * sky[:, None]).sum((2, 3), keepdim=True) / size.clamp(min=1)
    own = tensor(rng.uniform(0.3, 1, (b, 1, 1, 1)) * rng.uniform(0.85, 1, (b, 3, 1, 1)))
    air = torch.where(size > 0, torch.lerp(own, mean, tensor(rng.uniform(0.6, 1, (b, 1, 1, 1)))), own)
    through = torch.exp(-tensor(rng.uniform(0.3, 3.5, (b, 1, 1, 1))) * z[:, None] / far)
    return torch.where(sky[:, None], rgb, torch.lerp(air, rgb, through))


def _dusky(rgb: Tensor, sky: Tensor, rng: Generator) -> Tensor:
    """Little light, bluish or reddish, below a sky that is brighter than the land."""
    b = len(rgb)
    tint = tensor(rng.uniform((0.5, 0.5, 0.6), (1.1, 0.9, 1.2), (b, 3)))[..., None, None]
    land = tensor(rng.uniform(0.12, 0.5, (b, 1, 1, 1)))
    return rgb * tint * torch.where(sky[:, None], torch.maximum(land, tensor(rng.uniform(0.3, 1, (b, 1, 1, 1)))), land)
