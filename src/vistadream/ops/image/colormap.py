"""Color maps, which show numbers as colors."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

_GRAY = 96


def depth_range(z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"]) -> tuple[float, float]:
    """Near and far (the 1st and 99th percentile of the valid z) for `depth_colors`; (1, 2) when nothing is valid."""
    if not valid.any():
        return 1.0, 2.0
    near, far = np.quantile(z[valid].detach().cpu().numpy(), [0.01, 0.99])
    return float(near), float(far)


def depth_colors(
    z: Float[Tensor, "h w"], valid: Bool[Tensor, "h w"], near: float, far: float
) -> UInt8[np.ndarray, "h w 3"]:
    """Turbo colors (Mikhailov 2019) linear in 1/z: red at `near`, blue at `far`, gray where not valid."""
    inverse = 1 / z.detach().clamp(min=1e-9)
    closeness = (inverse - 1 / far) / max(1 / near - 1 / far, 1e-9)
    levels = (torch.nan_to_num(closeness).clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    colors = cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)[..., ::-1]
    return np.where(valid.cpu().numpy()[..., None], colors, np.uint8(_GRAY))
