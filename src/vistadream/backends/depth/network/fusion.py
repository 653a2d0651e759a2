"""The layout prior and the network, each as far as it can be trusted."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.network.predict import Reading
from vistadream.backends.depth.network.upsample import follow_picture

LAYOUT_ERROR = 0.12
"""Expected absolute error of the layout's log z; where the network expects as much of itself, both count alike."""


def fuse(
    layout_z: Float[Tensor, "H W"], land: Bool[Tensor, "H W"], reading: Reading, rgb: Float[Tensor, "H W 3"]
) -> Float[Tensor, "H W"]:
    """Depth between the layout's and the network's, at the layout's scale, with depth edges on the picture's edges.

    The network's log z is shifted to the layout's by the median over `land`; it counts by how sure of itself it is.
    """
    log_z, error = follow_picture(torch.stack([reading.log_z, reading.error]), rgb)
    ahead = log_z - torch.log(layout_z)
    ahead = ahead - ahead[land].median() if land.any() else torch.zeros_like(ahead)
    return layout_z * torch.exp(ahead * LAYOUT_ERROR / (LAYOUT_ERROR + error))
