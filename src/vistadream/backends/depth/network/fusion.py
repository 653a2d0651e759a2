"""The layout prior and the network, each as far as it can be trusted."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.network.predict import Reading
from vistadream.backends.depth.network.upsample import follow_picture

LAYOUT_ERROR = 0.12
"""Expected absolute error of the layout's log z; where the network expects as much of itself, both count alike."""
WITHIN = 0.1
"""Error of log z, about its share of the depth, that still counts as right."""
SKY_LOGIT = 2.0
"""How sure the network must be of itself to overrule the layout about the sky."""


def fuse(
    layout_z: Float[Tensor, "H W"], layout_sky: Bool[Tensor, "H W"], reading: Reading, rgb: Float[Tensor, "H W 3"]
) -> tuple[Float[Tensor, "H W"], Bool[Tensor, "H W"], Float[Tensor, "H W"]]:
    """Depth at the layout's scale, sky and confidence, all with their edges on the picture's edges.

    The network's log z is shifted to the layout's by their median difference outside the sky, and counts by how sure of
    itself it is.
    """
    log_z, error, logit = follow_picture(torch.stack([reading.log_z, reading.error, reading.sky]), rgb)
    sky = torch.where(layout_sky, logit > -SKY_LOGIT, logit > SKY_LOGIT)
    land = ~(sky | layout_sky)
    ahead = log_z - torch.log(layout_z)
    ahead = ahead - (ahead[land] if land.any() else ahead).median()
    share = LAYOUT_ERROR / (LAYOUT_ERROR + error)
    return layout_z * torch.exp(ahead * share), sky, confidence(share * error + (1 - share) * LAYOUT_ERROR)


def confidence(error: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The chance that log z is right WITHIN its tolerance, its error under a Laplace law of that expected size."""
    return 1 - torch.exp(-WITHIN / error.clamp_min(1e-6))
