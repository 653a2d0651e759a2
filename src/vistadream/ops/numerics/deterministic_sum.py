"""Sums whose bits do not depend on the number of threads; torch's sums on a CPU have one part per thread.

On other devices they are torch's own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

_ROW = 1024
"""The length of a row: so short that torch sums it in one thread. It uses several threads from 32,768 numbers on."""


def total(x: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """The sum of all entries, differentiable; first along rows of a fixed length, each in one thread."""
    if x.device.type != "cpu":
        return x.sum()
    rows = x.flatten()
    while len(rows) > _ROW:
        rows = F.pad(rows, (0, -len(rows) % _ROW)).view(-1, _ROW).sum(1)
    return rows.sum()


def mean(x: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """The mean of all entries; there must be at least one."""
    return total(x) / x.numel()


def masked_mean(x: Float[Tensor, "*n"], mask: Bool[Tensor, "*n"], otherwise: float) -> Float[Tensor, ""]:
    """The mean of the entries in the mask, differentiable; `otherwise` without any. On a GPU nothing is read."""
    if x.device.type == "cpu":
        return mean(x[mask]) if bool(mask.any()) else x.new_full((), otherwise)
    count = mask.sum()
    return torch.where(count > 0, torch.where(mask, x, 0.0).sum() / count.clamp_min(1), otherwise)
