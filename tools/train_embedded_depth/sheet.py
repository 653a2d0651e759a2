"""A contact sheet of generated worlds: for each kind a row of pictures over a row of their disparity."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from train_embedded_depth.generate import HELD_OUT, KINDS, Kind, Samples, generate
from train_embedded_depth.textures import TextureBank


def sheet(out: Path, seed: int, columns: int = 7, size: tuple[int, int] = (120, 160)) -> None:
    """Writes a JPEG with a fixed number of pictures of every kind, those held out last."""
    bank = TextureBank.paint(seed)
    rows = [_rows(kind, seed, columns, size, bank) for kind in {**KINDS, **HELD_OUT}.values()]
    Image.fromarray(np.concatenate(rows)).save(out, quality=80)


def _rows(kind: Kind, seed: int, columns: int, size: tuple[int, int], bank: TextureBank) -> UInt8[ndarray, "h w 3"]:
    samples = generate(kind, seed, columns, size, bank)
    pictures = (samples.rgb.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
    return np.concatenate([np.concatenate(list(row), 1) for row in (pictures, _disparity(samples))])


def _disparity(samples: Samples) -> UInt8[ndarray, "b h w 3"]:
    """Near red, far blue, sky black."""
    disparity = 1 / samples.z
    near = torch.quantile(disparity.flatten(1), 0.98, dim=1)[:, None, None]
    levels = ((disparity / near).clamp(0, 1) ** 0.5 * 255).to(torch.uint8).numpy()
    colors = np.stack([cv2.applyColorMap(level, cv2.COLORMAP_TURBO)[..., ::-1] for level in levels])
    return np.where(samples.sky.numpy()[..., None], 0, colors).astype(np.uint8)
