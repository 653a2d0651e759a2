"""What the network says about one picture, and the mean of several such readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

RIM = 0.06
"""Share of the picture's sides over which the weight of a reading without the border rises from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Reading:
    """The network's prediction for one picture, at its output resolution."""

    log_z: Float[Tensor, "h w"]
    error: Float[Tensor, "h w"]
    """Expected absolute error of log_z."""
    normal: Float[Tensor, "3 h w"]
    """In OpenCV camera axes, of approximately unit length."""
    sky: Float[Tensor, "h w"]
    """Logits."""
    border: float = 0.0
    """What the network did not see on each side of the picture, as a fraction of that side."""


def mean(readings: Sequence[Reading]) -> Reading:
    """The mean at the size of the first reading, at the mean level of those that have no border.

    At least one has none. The level of log z of a reading does not matter. The expected error includes how far they
    disagree.
    """
    height, width = readings[0].log_z.shape
    weights = torch.stack([_weights(reading.border, height, width) for reading in readings])[:, None]
    log_z, error, normal, sky = (
        torch.stack([_placed(getattr(reading, name), reading.border, height, width) for reading in readings])
        for name in ("log_z", "error", "normal", "sky")
    )
    whole = log_z[[not reading.border for reading in readings]].mean(0)
    leveled = log_z - (weights * (log_z - whole)).sum((2, 3), keepdim=True) / weights.sum((2, 3), keepdim=True)
    weights = weights / weights.sum(0)
    middle = (weights * leveled).sum(0)
    spread = (weights * (leveled - middle).abs()).sum(0)
    mean_error, mean_normal, mean_sky = ((weights * x).sum(0) for x in (error, normal, sky))
    return Reading(middle[0], (mean_error + spread)[0], mean_normal, mean_sky[0])


def _placed(x: Tensor, border: float, height: int, width: int) -> Float[Tensor, "c h w"]:
    """A map, (h, w) or (c, h, w), at another size; its outermost values fill the border that it lacks."""
    rows, columns = round(border * height), round(border * width)
    x = x.reshape(1, -1, *x.shape[-2:])
    inner = (height - 2 * rows, width - 2 * columns)
    x = x if x.shape[2:] == inner else F.interpolate(x, inner, mode="bilinear")
    return F.pad(x, (columns, columns, rows, rows), mode="replicate")[0]


def _weights(border: float, height: int, width: int) -> Float[Tensor, "h w"]:
    """1 inside, falling to 0 at a border that was not seen, so that the mean has no step there."""
    if not border:
        return torch.ones(height, width)
    down, across = (_rise(border, count) for count in (height, width))
    return torch.minimum(down[:, None], across)


def _rise(border: float, count: int) -> Float[Tensor, "n"]:
    place = (torch.arange(count) + 0.5) / count
    return ((torch.minimum(place, 1 - place) - border) / RIM).clamp(0, 1)
