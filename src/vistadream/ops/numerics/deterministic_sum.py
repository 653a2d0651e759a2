"""Sums of many numbers that are the same bits on one core and on many: torch's own are cut into as many parts."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_ROW = 1024
"""Few enough numbers for one thread, and rows for few enough sums: torch shares out what has 32,768 or more."""


def total(x: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """The sum of all entries, differentiable: first along rows of a fixed length, each on one thread."""
    rows = x.flatten()
    while len(rows) > _ROW:
        rows = F.pad(rows, (0, -len(rows) % _ROW)).view(-1, _ROW).sum(1)
    return rows.sum()


def mean(x: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """The mean of all entries, of which there must be some."""
    return total(x) / x.numel()
