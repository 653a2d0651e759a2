"""Tiny pictures with cameras that are known exactly."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture
def turn():
    """A rotation matrix, other for each seed."""

    def made(seed: int = 0) -> torch.Tensor:
        q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
        q *= np.sign(np.diag(r))
        return torch.tensor(q * np.linalg.det(q))

    return made


@pytest.fixture
def draw():
    """Writes a picture of noise."""

    def drawn(file: Path, width: int = 40, height: int = 30, **options) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        levels = np.random.default_rng(0).integers(0, 256, (height, width, 3))
        Image.fromarray(levels.astype(np.uint8)).save(file, **options)
        return file

    return drawn
