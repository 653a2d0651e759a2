"""The layout prior and the network, each as far as it can be trusted."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.network.predict import Reading
from vistadream.backends.depth.network.upsample import follow_picture

LAYOUT_ERROR = 0.12
"""Expected absolute error of the layout's log z; where the network expects as much of itself, both count alike."""
SKY_LOGIT = 2.0
"""How sure the network must be of itself to overrule the layout about the sky."""


def fuse(
    layout_z: Float[Tensor, "H W"], layout_sky: Bool[Tensor, "H W"], reading: Reading, rgb: Float[Tensor, "H W 3"]
) -> tuple[Float[Tensor, "H W"], Bool[Tensor, "H W"]]:
    """Depth at the layout's scale and sky, both with their edges on the picture's edges.

    The network's log z is shifted to the layout's by their median difference outside the sky, and counts by how sure of
    itself it is.
    """
    log_z, error, logit = follow_picture(torch.stack([reading.log_z, reading.error, reading.sky]), rgb)
    sky = torch.where(layout_sky, logit > -SKY_LOGIT, logit > SKY_LOGIT)
    land = ~(sky | layout_sky)
    ahead = log_z - torch.log(layout_z)
    ahead = ahead - (ahead[land] if land.any() else ahead).median()
    return layout_z * torch.exp(ahead * LAYOUT_ERROR / (LAYOUT_ERROR + error)), sky
