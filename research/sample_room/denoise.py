"""An edge-avoiding a-trous filter on the light that falls on surfaces, not on their textures.

After Dammertz et al. 2010, "Edge-Avoiding A-Trous Wavelet Transform for Fast Global Illumination Filtering", and with
the light's own variance as a guide after Schied et al. 2017, "Spatiotemporal Variance-Guided Filtering".
"""

from __future__ import annotations

from functools import partial

import numpy as np

_KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def denoise(light, variance, color, normal, z, levels: int = 4, tolerance: float = 3.0) -> np.ndarray:
    """Filtered radiance "h w 3".

    `light` "h w 3" is the mean radiance, `variance` "h w" that of the mean's brightness; `color` "h w 3", `normal`
    "h w 3" and camera-space `z` "h w" tell where one surface ends. `tolerance` is in standard deviations of noise.
    """
    albedo = np.maximum(color, 0.02)
    falling, variance = light / albedo, variance / albedo.mean(axis=2) ** 2
    for level in range(levels):
        falling, variance = _smooth(falling, variance, color, normal, z, 2**level, tolerance)
    return falling * albedo


def _smooth(falling, variance, color, normal, z, stride, tolerance):
    brightness = falling.mean(axis=2)
    noise = tolerance * np.sqrt(_blur(variance)) + 1e-4
    total, total_variance, weights = np.zeros_like(falling), np.zeros_like(z), np.zeros_like(z)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            beside = partial(_shifted, dy=dy * stride, dx=dx * stride)
            alike = np.clip((normal * beside(normal)).sum(axis=2), 0, 1) ** 64
            far = np.abs(z - beside(z)) / (0.02 * stride * z + 1e-6)
            lit = np.abs(brightness - beside(brightness)) / noise
            tint = np.abs(color - beside(color)).sum(axis=2) / 0.4
            weight = _KERNEL[dy + 2] * _KERNEL[dx + 2] * alike * np.exp(-far - lit - tint)
            total += weight[..., None] * beside(falling)
            total_variance += weight**2 * beside(variance)
            weights += weight
    return total / weights[..., None], total_variance / weights**2


def _shifted(a: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """The array seen `dy` rows down and `dx` columns right, its edge repeated."""
    rows = np.clip(np.arange(a.shape[0]) + dy, 0, a.shape[0] - 1)
    columns = np.clip(np.arange(a.shape[1]) + dx, 0, a.shape[1] - 1)
    return a[rows][:, columns]


def _blur(a: np.ndarray) -> np.ndarray:
    """Mean over 3 x 3 pixels."""
    return np.mean([_shifted(a, dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
