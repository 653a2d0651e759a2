"""Pictures painted anew: other colors for each part, other light, air, style, lens and file. Depth stays what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.air import aired
from train_embedded_depth.faults import faulty
from train_embedded_depth.generate import Samples
from train_embedded_depth.styles import styled
from train_embedded_depth.tensors import some, tensor

PLAIN = 0.35
"""Share of the pictures that keep their colors, and share of those, drawn separately, that keep light and tones."""


def augment(samples: Samples, rng: Generator, ease: float = 0.0) -> Samples:
    """Repainted, relit, styled and degraded, each at random; a share `ease` of the pictures is of clay."""
    rgb = _repainted(_calmed(samples.rgb, samples.part, rng), samples.part, rng)
    rgb = torch.where(some(rng, len(rgb), PLAIN) > 0, samples.rgb, _shaded(rgb, samples.normal, rng))
    rgb = torch.where(some(rng, len(rgb), ease) > 0, _clay(samples.normal, rng), rgb)
    rgb = aired(rgb, samples, rng)
    rgb = torch.where(some(rng, len(rgb), PLAIN) > 0, rgb, _toned(_relit(rgb, rng), rng))
    rgb = styled(rgb, samples, rng)
    return replace(samples, rgb=faulty(rgb, samples.z, rng))


def _calmed(rgb: Tensor, part: Tensor, rng: Generator) -> Tensor:
    """Each part drawn towards its mean color, in some pictures all the way: most real surfaces are plain."""
    b = len(rgb)
    index = part.flatten(1)[:, None].expand(-1, 3, -1)
    sums = rgb.new_zeros(b, 3, int(part.max()) + 1).scatter_add_(2, index, rgb.flatten(2))
    sizes = torch.zeros_like(sums).scatter_add_(2, index, torch.ones_like(rgb).flatten(2))
    mean = torch.gather(sums / sizes.clamp(min=1), 2, index).reshape(rgb.shape)
    return torch.lerp(rgb, mean, tensor(rng.uniform(-0.2, 1.2, (b, 1, 1, 1)).clip(0, 1)))


def _shaded(rgb: Tensor, normal: Tensor, rng: Generator) -> Tensor:
    """More light on what faces one direction, mostly above and behind the camera."""
    b = len(rgb)
    towards = F.normalize(tensor(rng.normal((0, -1, -0.7), 0.7, (b, 3))), dim=1)
    facing = torch.einsum("bc,bchw->bhw", towards, normal)[:, None]
    return rgb * torch.exp(facing * tensor(rng.uniform(0, 0.8, (b, 1, 1, 1))))


def _clay(normal: Tensor, rng: Generator) -> Tensor:
    """One color in colored lights from three sides: shape without paint, from which a beginner learns fastest."""
    b = len(normal)
    lights = np.array([[0.8, 0, -0.3], [0, -0.8, -0.3], [-0.6, 0.3, -0.6]]) + rng.normal(0, 0.15, (b, 3, 3))
    return (0.5 + 0.5 * torch.einsum("bkc,bchw->bkhw", tensor(lights), normal)).clamp(0, 1)


def _repainted(rgb: Tensor, part: Tensor, rng: Generator) -> Tensor:
    """Every part times a color of its own, in half of the pictures."""
    b, parts = len(rgb), int(part.max()) + 1
    value, hue = rng.normal(0, 0.45, (b, 1, parts)), rng.normal(0, 0.15, (b, 3, parts))
    gain = torch.where(some(rng, b, 0.5)[..., 0] > 0, tensor(np.exp(value + hue)), 1.0)
    return rgb * torch.gather(gain, 2, part.flatten(1)[:, None].expand(-1, 3, -1)).reshape(rgb.shape)


def _relit(rgb: Tensor, rng: Generator) -> Tensor:
    """Smooth light and shade over the whole picture, as a beam makes them, in half of the pictures."""
    b, _, h, w = rgb.shape
    coarse = tensor(rng.normal(0, 0.5, (b, 1, 4, 5)) + 0.15 * rng.normal(0, 0.5, (b, 3, 4, 5)))
    gain = torch.exp(coarse * some(rng, b, 0.5))
    return rgb * F.interpolate(gain, (h, w), mode="bilinear", align_corners=True)


def _toned(rgb: Tensor, rng: Generator) -> Tensor:
    """White balance, exposure, gamma, saturation and contrast."""
    b = len(rgb)
    one = (b, 1, 1, 1)
    rgb = rgb * tensor(np.exp(rng.normal(0, 0.12, (b, 3, 1, 1)) + rng.normal(0, 0.2, one)))
    rgb = rgb.clamp(0, 1) ** tensor(np.exp(rng.normal(0, 0.25, one)))
    gray = rgb.mean(1, keepdim=True)
    rgb = gray + (rgb - gray) * tensor(rng.uniform(0.2, 1.35, one))
    mean = rgb.mean((1, 2, 3), keepdim=True)
    return mean + (rgb - mean) * tensor(rng.uniform(0.5, 1.35, one))
