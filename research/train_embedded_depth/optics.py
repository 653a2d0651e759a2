"""Depth of field: a lens that is wide open blurs what lies beyond its subject."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor

SHARP_SHARE = 0.25
"""Of the pictures stay sharp all over."""


def defocus(light: Float[Tensor, "b 3 h w"], z: Float[Tensor, "b h w"], rng: Generator) -> Float[Tensor, "b 3 h w"]:
    """Focuses on what is nearest and blurs what lies behind, more with distance; the subject keeps its rim."""
    subject = torch.quantile(z[:, ::2, ::2].flatten(1), 0.1, dim=1)[:, None, None]
    behind = (1.6 * (1 - 1.4 * subject / z)).clamp(0, 1).numpy()
    pictures = light.permute(0, 2, 3, 1).contiguous().numpy()
    blurred = [_blur(p, w, rng) if rng.random() > SHARP_SHARE else p for p, w in zip(pictures, behind, strict=True)]
    return torch.from_numpy(np.stack(blurred)).permute(0, 3, 1, 2)


def _blur(picture: Float[ndarray, "h w 3"], behind: Float[ndarray, "h w"], rng: Generator) -> Float[ndarray, "h w 3"]:
    sigma = float(rng.uniform(0.008, 0.04)) * picture.shape[1]
    weight = behind + 1e-3
    spread = cv2.GaussianBlur(picture * weight[..., None], (0, 0), sigma)
    soft = spread / cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    return (picture + behind[..., None] * (soft - picture)).astype(np.float32)
