"""Features of pictures as colors: similar features have similar colors, in all pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.ops.numerics.precision import widened

_RANGE = (0.1, 0.9)
"""These quantiles of each principal component are shown as 0 and 1, as by Depth Anything 3."""


def principal_colors(features: Sequence[Float[Tensor, "_h _w c"]]) -> list[Float[Tensor, "_h _w 3"]]:
    """Colors in [0, 1]: the three principal components of the features of all pictures, largest first.

    The same features give the same colors: nothing is drawn at random, and the sum of each direction is positive.
    """
    flat = widened(torch.cat([each.flatten(0, 1) for each in features]))
    flat = flat - flat.mean(0)
    directions = torch.linalg.eigh(flat.T @ flat).eigenvectors[:, -3:].flip(1)
    directions = directions * torch.where(directions.sum(0) < 0, -1.0, 1.0)
    components = flat @ directions
    low, high = (torch.stack([_quantile(each, share) for each in components.T]) for share in _RANGE)
    colors = ((components - low) / (high - low).clamp(min=1e-8)).clamp(0, 1).to(features[0])
    parts = colors.split([each.shape[0] * each.shape[1] for each in features])
    return [part.reshape(*each.shape[:2], -1) for part, each in zip(parts, features, strict=True)]


def _quantile(values: Float[Tensor, "n"], share: float) -> Float[Tensor, ""]:
    """The nearest value below, of any number of values."""
    return values.sort().values[round(share * (len(values) - 1))]
