"""Blends the three sources of the embedded depth, with weights that vary smoothly with the evidence.

No source is switched on or off: a small change of the picture makes a small change of the weights
(benchmarks/stability.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.layout.trust import smooth_step
from vistadream.backends.depth.sources import Sources

POSITION = 0.05
"""Largest weight of the position prior, which is added to the log z of the network."""
AGAINST, ALONG = -0.3, 0.2
"""Correlations of the network's log z with the position prior at which the prior has no and its full weight: the
prior is wrong in a look at a ceiling, and the network sees that."""
LAYOUT = 0.95
"""Largest weight of the layout."""
BROAD = 0.1
"""Standard deviation, as a fraction of the width, of the blur that removes detail. The network's detail stays where the
layout replaces the broad shape, because the layout has no free-standing objects."""
DISAGREEING, AGREEING = -0.1, 0.4
"""Correlations of the layout with the network at which the layout has no and its full weight."""
BLURRED_PX = 64
"""Width of the copy that is blurred."""
OUTDOORS = 0.1
"""Share of sky at which the layout, a room, has no weight."""
WITHIN = 0.1
"""Absolute error of log z (about the relative error of z) that still counts as correct."""
LAYOUT_ERROR = 0.1
"""Expected absolute error of log z of a trusted layout."""


@dataclass(frozen=True, eq=False)
class Blend:
    """The blend of the sources, and how much each of them counts."""

    log_z: Float[Tensor, "H W"]
    """Its median outside the sky is 0."""
    confidence: Float[Tensor, "H W"]
    """Probability that the error of log z is below WITHIN."""
    position: float
    """Weight of the position prior relative to the network's."""
    layout: float
    """Weight of the layout in the blend, in [0, 1]."""
    doubt: float
    """Expected absolute error of log z, the mean over the picture."""


def blend(sources: Sources) -> Blend:
    """Blends the log z of the sources, each shifted such that its median outside the sky is 0."""
    land = sources.sky < 0.5
    land = land if bool(land.any()) else torch.ones_like(land)
    solid = 1 - sources.sky
    network, position, layout = (_centered(x, land) for x in (sources.network, sources.position, sources.layout))
    along = (_correlation(network, position, solid) - AGAINST) / (ALONG - AGAINST)
    position_weight = POSITION * smooth_step(along)
    seen = network + position_weight * position
    agreement = (_correlation(layout, network, solid) - DISAGREEING) / (AGREEING - DISAGREEING)
    indoors = smooth_step(1 - float(sources.sky.mean()) / OUTDOORS)
    layout_weight = LAYOUT * sources.layout_trust * smooth_step(agreement) * indoors
    detail = _detail(seen - layout)
    log_z = _centered(seen + layout_weight * (layout - seen + detail), land)
    error = sources.network_error + layout_weight * (LAYOUT_ERROR - sources.network_error)
    return Blend(log_z, confidence(error), position_weight, layout_weight, float(_mean(error, solid)))


def _centered(log_z: Float[Tensor, "H W"], land: Bool[Tensor, "H W"]) -> Float[Tensor, "H W"]:
    return log_z - log_z[land].median()


def _correlation(a: Float[Tensor, "H W"], b: Float[Tensor, "H W"], weights: Float[Tensor, "H W"]) -> float:
    """Pearson's correlation of pixels with these weights; 0 for constants."""
    a, b = a - _mean(a, weights), b - _mean(b, weights)
    spread = (_mean(a.square(), weights) * _mean(b.square(), weights)).sqrt()
    return float(_mean(a * b, weights) / spread.clamp_min(1e-9))


def _mean(x: Float[Tensor, "H W"], weights: Float[Tensor, "H W"]) -> Float[Tensor, ""]:
    return (x * weights).sum() / weights.sum().clamp_min(1e-9)


def _detail(x: Float[Tensor, "H W"]) -> Float[Tensor, "H W"]:
    """The map minus its broad shape, which is computed on a small copy."""
    size = (BLURRED_PX, max(1, round(BLURRED_PX * x.shape[0] / x.shape[1])))
    small = cv2.resize(x.numpy(), size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), BROAD * BLURRED_PX, borderType=cv2.BORDER_REFLECT)
    return x - torch.from_numpy(cv2.resize(blurred, x.shape[::-1], interpolation=cv2.INTER_LINEAR))


def confidence(error: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Probability that the error of log z is below WITHIN, for a Laplace distribution with this mean absolute error."""
    return 1 - torch.exp(-WITHIN / error.clamp_min(1e-6))
