"""The layout prior and the network, each as far as it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.network.predict import Reading
from vistadream.backends.depth.network.upsample import follow_picture

SHARPNESS = 4
"""Power of the expected errors by which the two count; more than 2, so that what is sure is hardly moved."""
WITHIN = 0.1
"""Error of log z, about its share of the depth, that still counts as right."""
SKY_LOGIT = 2.0
"""How sure the network must be of itself to overrule the layout about the sky."""


@dataclass(frozen=True, eq=False)
class Fused:
    """What both make of a picture, at its size and with their edges on its edges."""

    z: Float[Tensor, "H W"]
    """At the layout's scale."""
    sky: Bool[Tensor, "H W"]
    confidence: Float[Tensor, "H W"]
    normals: Float[Tensor, "H W 3"]
    """The network's: unit, in OpenCV camera axes."""


def fuse(
    layout_z: Float[Tensor, "H W"],
    layout_sky: Bool[Tensor, "H W"],
    layout_error: float,
    reading: Reading,
    rgb: Float[Tensor, "H W 3"],
) -> Fused:
    """The network's log z, shifted to the layout's by their median difference outside the sky, blended with it.

    Each counts by the error that it expects of its log z, the network's pixel by pixel.
    """
    coarse = torch.cat([torch.stack([reading.log_z, reading.error, reading.sky]), reading.normal])
    fine = follow_picture(coarse, rgb)
    log_z, error, logit = fine[:3]
    sky = torch.where(layout_sky, logit > -SKY_LOGIT, logit > SKY_LOGIT)
    land = ~(sky | layout_sky)
    ahead = log_z - torch.log(layout_z)
    ahead = ahead - (ahead[land] if land.any() else ahead).median()
    share = 1 / (1 + (error / layout_error) ** SHARPNESS)
    sure = confidence(share * error + (1 - share) * layout_error)
    return Fused(layout_z * torch.exp(ahead * share), sky, sure, F.normalize(fine[3:].permute(1, 2, 0), dim=-1))


def confidence(error: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The chance that log z is right WITHIN its tolerance, its error under a Laplace law of that expected size."""
    return 1 - torch.exp(-WITHIN / error.clamp_min(1e-6))
