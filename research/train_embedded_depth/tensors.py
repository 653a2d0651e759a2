"""Random choices and conversions that the changes of pictures share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor


def tensor(x: ndarray) -> Tensor:
    """In single precision."""
    return torch.from_numpy(np.asarray(x, np.float32))


def some(rng: Generator, count: int, share: float) -> Float[Tensor, "b 1 1 1"]:
    """1 for about that share of the pictures, else 0."""
    return tensor(rng.random((count, 1, 1, 1)) < share)


def on_some(
    rgb: Float[Tensor, "b 3 h w"], rng: Generator, share: float, change: Callable[[Tensor, Tensor], Tensor]
) -> Float[Tensor, "b 3 h w"]:
    """Changes about that share of the pictures; `change` gets them and their indices, and returns them changed."""
    index = torch.from_numpy(np.flatnonzero(rng.random(len(rgb)) < share))
    return rgb.index_copy(0, index, change(rgb[index], index)) if len(index) else rgb


def each(rgb: Float[Tensor, "b 3 h w"], change: Callable[[ndarray], ndarray]) -> Float[Tensor, "b 3 h w"]:
    """Changes each picture, given as an array (h, w, 3) of floats in [0, 1] or beyond."""
    pictures = rgb.permute(0, 2, 3, 1).contiguous().numpy()
    return torch.from_numpy(np.stack([change(p).astype(np.float32) for p in pictures])).permute(0, 3, 1, 2)
