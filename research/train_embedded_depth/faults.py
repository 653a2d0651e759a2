"""What lenses, sensors and files do to pictures: blur, vignetting, noise, other sizes, JPEG."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.tensors import each, on_some, some, tensor

SOFT, DEFOCUS, MOTION, VIGNETTE, RESIZED, JPEG = 0.5, 0.1, 0.05, 0.2, 0.2, 0.6
"""Shares of the pictures."""
QUALITY = (25, 96)
"""Of JPEG files."""


def faulty(rgb: Tensor, z: Tensor, rng: Generator) -> Float[Tensor, "b 3 h w"]:
    """In the order of a camera: lens, movement, noise, file."""
    rgb = _blurred(rgb, z, rng)
    rgb = on_some(rgb, rng, MOTION, lambda x, _: each(x, lambda p: _moved(p, rng)))
    rgb = on_some(rgb, rng, VIGNETTE, lambda x, _: _vignetted(x, rng))
    noise = torch.from_numpy(rng.standard_normal(rgb.shape, np.float32))
    rgb = rgb + tensor(rng.gamma(1, 0.012, (len(rgb), 1, 1, 1))) * noise
    rgb = on_some(rgb, rng, RESIZED, lambda x, _: _resized(x, rng))
    return _compressed(rgb.clamp(0, 1), rng)


def _blurred(rgb: Tensor, z: Tensor, rng: Generator) -> Tensor:
    """Out of focus in front of and behind some distance, or a little everywhere."""
    b = len(rgb)
    middle = torch.quantile(z[:, ::8, ::8].flatten(1), float(rng.random()), dim=1)[:, None, None, None]
    defocus = (1 - middle / z[:, None]).abs().clamp(0, 1) * some(rng, b, DEFOCUS) * float(rng.uniform(1, 3))
    amount = defocus + tensor(rng.gamma(1, 0.22, (b, 1, 1, 1)) * (rng.random((b, 1, 1, 1)) < SOFT))
    for number, sigma in enumerate((1.0, 2.0, 4.0)):
        index = (amount.amax((1, 2, 3)) > number).nonzero()[:, 0]
        if len(index):
            softer = each(rgb[index], partial(cv2.GaussianBlur, ksize=(0, 0), sigmaX=sigma))
            share = (amount[index] - number).clamp(0, 1)
            rgb = rgb.index_copy(0, index, torch.lerp(rgb[index], softer, share))
    return rgb


def _moved(picture: Float[ndarray, "h w 3"], rng: Generator) -> Float[ndarray, "h w 3"]:
    """Smeared along a line of 3 to 9 pixels, as by a camera in motion."""
    size = int(rng.choice([3, 5, 7, 9]))
    kernel, middle = np.zeros((size, size), np.float32), (size - 1) / 2
    angle = rng.uniform(0, np.pi)
    ends = [[round(middle + s * middle * f(angle)) for f in (np.cos, np.sin)] for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def _vignetted(rgb: Tensor, rng: Generator) -> Tensor:
    """Darker with the square of the distance from a point near the middle."""
    b, _, h, w = rgb.shape
    x, y = (torch.linspace(-1, 1, n) - tensor(rng.normal(0, 0.1, (b, 1))) for n in (w, h))
    radius2 = (x[:, None] ** 2 + y[:, :, None] ** 2)[:, None]
    return rgb * (1 - tensor(rng.uniform(0.05, 0.45, (b, 1, 1, 1))) * radius2).clamp(min=0)


def _resized(rgb: Tensor, rng: Generator) -> Tensor:
    """Down to 35 to 95 % of the size and up again; all pictures of a batch alike."""
    size, scale = rgb.shape[2:], rng.uniform(0.35, 0.95)
    small = F.interpolate(rgb, [int(side * scale) for side in size], mode="area")
    return F.interpolate(small, size, mode=str(rng.choice(["nearest", "bilinear", "bicubic"])))


def _compressed(rgb: Tensor, rng: Generator) -> Tensor:
    """Rounded to bytes, most pictures through JPEG."""
    pixels = np.ascontiguousarray((rgb * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    for picture in pixels:
        if rng.random() < JPEG:
            _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITY))])
            picture[:] = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
