"""Sums whose bits do not depend on the number of threads; torch's sums are split into one part per thread."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_ROW = 1024
"""The length of a row: so short that torch sums it in one thread. It uses several threads from 32,768 numbers on."""


def total(x: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """The sum of all entries, differentiable; first along rows of a fixed length, each in one thread."""
    rows = x.flatten()
    while len(rows) > _ROW:
        rows = F.pad(rows, (0, -len(rows) % _ROW)).view(-1, _ROW).sum(1)
    return rows.sum()


def mean(x: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """The mean of all entries; there must be at least one."""
    return total(x) / x.numel()
