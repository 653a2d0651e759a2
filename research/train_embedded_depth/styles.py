"""Pictures as painters and other media make them: painted, drawn in lines, as silhouettes, black and white, sepia."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.generate import FAR_M, Samples
from train_embedded_depth.tensors import each, on_some, tensor

PAINTED, DRAWN, SILHOUETTE, GRAY, SEPIA, NEGATIVE = 0.07, 0.05, 0.04, 0.06, 0.03, 0.02
"""Shares of the pictures."""
SEPIA_TONE = (1.0, 0.86, 0.66)


def styled(rgb: Tensor, s: Samples, rng: Generator) -> Float[Tensor, "b 3 h w"]:
    """Each style on its share of the pictures."""
    rgb = on_some(rgb, rng, SILHOUETTE, lambda x, i: _silhouette(x, s.z[i], rng))
    rgb = on_some(rgb.clamp(0, 1), rng, PAINTED, lambda x, _: each(x, lambda p: _painted(p, rng)))
    rgb = on_some(rgb, rng, DRAWN, lambda x, i: _drawn(x, s.part[i], rng))
    rgb = on_some(rgb, rng, GRAY, lambda x, _: x.mean(1, keepdim=True).expand_as(x))
    rgb = on_some(rgb, rng, SEPIA, lambda x, _: x.mean(1, keepdim=True) * tensor(np.array(SEPIA_TONE))[:, None, None])
    return on_some(rgb, rng, NEGATIVE, lambda x, _: 1 - x)


def _silhouette(rgb: Tensor, z: Tensor, rng: Generator) -> Tensor:
    """What is nearer than some distance in front of the sky, or of the farther half, turns almost black."""
    b = len(rgb)
    border = torch.quantile(z[:, ::4, ::4].flatten(1), float(rng.uniform(0.3, 0.8)), dim=1).clamp(max=FAR_M / 2)
    near = (z < border[:, None, None])[:, None]
    dark = tensor(rng.uniform(0, 0.25, (b, 1, 1, 1)))
    bright = tensor(rng.uniform(0.4, 0.9, (b, 3, 1, 1)))
    return torch.where(near, rgb * dark, torch.lerp(rgb, bright, tensor(rng.uniform(0.2, 0.9, (b, 1, 1, 1)))))


def _painted(picture: Float[ndarray, "h w 3"], rng: Generator) -> Float[ndarray, "h w 3"]:
    """Smooth patches with clear borders, in some pictures of few tones."""
    pixels = _smoothed((picture * 255).astype(np.uint8), rng)
    steps = rng.uniform(3, 8) if rng.random() < 0.5 else 255
    grain = cv2.GaussianBlur(rng.standard_normal(pixels.shape[:2], np.float32), (0, 0), 1.0)[..., None]
    return np.round(pixels / 255 * steps) / steps + grain * rng.uniform(0, 0.15)


def _smoothed(pixels: UInt8[ndarray, "h w 3"], rng: Generator) -> ndarray:
    """By a median, a bilateral filter or mean shift."""
    way = rng.integers(3)
    if way == 0:
        return cv2.medianBlur(pixels, int(rng.choice([3, 5])))
    if way == 1:
        return cv2.bilateralFilter(pixels, 7, float(rng.uniform(30, 90)), 4.0)
    return cv2.pyrMeanShiftFiltering(pixels, 4, float(rng.uniform(15, 40)), maxLevel=0)


def _drawn(rgb: Tensor, part: Tensor, rng: Generator) -> Tensor:
    """Dark lines where brightness or the object changes, on paper or over pale flat colors."""
    b = len(rgb)
    brightness = rgb.mean(1).numpy()
    edges = np.stack([np.hypot(cv2.Sobel(x, -1, 1, 0), cv2.Sobel(x, -1, 0, 1)) for x in brightness])
    borders = torch.zeros_like(rgb[:, 0])
    borders[:, 1:] += (part[:, 1:] != part[:, :-1]).float()
    borders[..., 1:] += (part[..., 1:] != part[..., :-1]).float()
    ink = tensor(edges) * tensor(rng.uniform(0.3, 2, (b, 1, 1))) + borders * tensor(rng.uniform(0, 1, (b, 1, 1)))
    paper = tensor(rng.uniform(0.7, 1, (b, 1, 1, 1)) * rng.uniform(0.9, 1, (b, 3, 1, 1)))
    color = tensor((rng.random((b, 1, 1, 1)) < 0.5) * rng.uniform(0.2, 0.9, (b, 1, 1, 1)))
    return torch.lerp(paper, rgb, color) * (1 - ink[:, None].clamp(0, 1) * 0.9)
