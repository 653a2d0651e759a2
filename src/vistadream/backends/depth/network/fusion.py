"""The layout prior and the network, each as far as it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from vistadream.backends.depth.layout.trust import OUTDOORS
from vistadream.backends.depth.network.predict import Reading
from vistadream.backends.depth.network.upsample import follow_picture

SHARPNESS = 4
"""Power of the expected errors by which the two count; more than 2, so that what is sure is hardly moved."""
BROAD = 0.1
"""Standard deviation, in widths of the picture, of the blur that parts broad shape from detail."""
UNSEEN = 0.35
"""The least that the layout's error is expected to be where the network sees something stand out before it."""
SKY_LOGIT, LAND_LOGIT = 2.0, -4.0
"""How sure the network must be to overrule the layout about the sky: pixels above the one are sky, and the layout's are
none where their mean is below the other."""
SKY_SHARE = 0.01
"""Share of sky from which a picture is outdoors, whatever room the layout read into it."""
WITHIN = 0.1
"""Error of log z, about its share of the depth, that still counts as right."""


@dataclass(frozen=True, eq=False)
class Fused:
    """What both make of a picture, at its size and with their edges on its edges."""

    z: Float[Tensor, "H W"]
    """At the layout's scale."""
    sky: Bool[Tensor, "H W"]
    confidence: Float[Tensor, "H W"]


def fuse(
    layout_z: Float[Tensor, "H W"],
    layout_sky: Bool[Tensor, "H W"],
    layout_error: float,
    reading: Reading,
    rgb: Float[Tensor, "H W 3"],
) -> Fused:
    """The network's log z, shifted to the layout's by their median difference outside the sky, blended with it.

    Each counts by the error that it expects of its log z, the network's pixel by pixel. What is small and nearer than
    its surroundings stands free of walls and floor more often than the layout knows.
    """
    log_z, error, logit = follow_picture(torch.stack([reading.log_z, reading.error, reading.sky]), rgb)
    sky = logit > SKY_LOGIT
    if layout_sky.any() and logit[layout_sky].mean() > LAND_LOGIT:
        sky = sky | layout_sky
    if sky.float().mean() > SKY_SHARE:
        layout_error = max(layout_error, OUTDOORS)
    land = ~(sky | layout_sky)
    ahead = log_z - torch.log(layout_z)
    ahead = ahead - (ahead[land] if land.any() else ahead).median()
    outstanding = (ahead - _broad(ahead, land, reading.log_z.shape)).clamp(max=0)
    share = _share(error, layout_error)
    move = share * (ahead - outstanding) + _share(error, max(UNSEEN, layout_error)) * outstanding
    sure = confidence(share * error + (1 - share) * layout_error)
    return Fused(layout_z * torch.exp(move), sky, sure)


def _share(error: Float[Tensor, "h w"], layout_error: float) -> Float[Tensor, "h w"]:
    """How far the network decides."""
    return 1 / (1 + (error / layout_error) ** SHARPNESS)


def _broad(x: Float[Tensor, "H W"], land: Bool[Tensor, "H W"], size: tuple[int, ...]) -> Float[Tensor, "H W"]:
    """A map without its detail: blurred over the land, at the size of the network's maps."""
    small = F.interpolate(torch.stack([x * land, land.to(x)])[None], size, mode="area")[0]
    blurred = cv2.GaussianBlur(small.permute(1, 2, 0).numpy(), (0, 0), BROAD * size[1], borderType=cv2.BORDER_REFLECT)
    total, weight = torch.from_numpy(blurred).permute(2, 0, 1)
    return F.interpolate((total / weight.clamp_min(1e-3))[None, None], x.shape, mode="bilinear")[0, 0]


def confidence(error: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The chance that log z is right WITHIN its tolerance, its error under a Laplace law of that expected size."""
    return 1 - torch.exp(-WITHIN / error.clamp_min(1e-6))
