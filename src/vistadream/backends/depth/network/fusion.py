"""Blends the depths of the layout prior and of the network, weighted by their expected errors."""

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
"""Power of the expected errors in the weights; more than 2, so that the more certain of the two is hardly changed."""
BROAD = 0.1
"""Standard deviation, in widths of the picture, of the blur that separates broad shape from detail."""
UNSEEN = 0.35
"""Minimum expected error of the layout where the network finds an object in front of it."""
SKY_LOGIT, LAND_LOGIT = 2.0, -4.0
"""Thresholds at which the network overrules the layout: pixels above the first are sky; the layout's sky is dropped if
the mean over it is below the second."""
SKY_SHARE = 0.01
"""With more than this fraction of sky a picture counts as outdoors, even if the layout found a room."""
WITHIN = 0.1
"""Absolute error of log z (about the relative error of z) that still counts as correct."""


@dataclass(frozen=True, eq=False)
class Fused:
    """The blend at the picture's size, with depth edges aligned with its edges."""

    z: Float[Tensor, "H W"]
    """Depth at the layout's scale."""
    sky: Bool[Tensor, "H W"]
    confidence: Float[Tensor, "H W"]


def fuse(
    layout_z: Float[Tensor, "H W"],
    layout_sky: Bool[Tensor, "H W"],
    layout_error: float,
    reading: Reading,
    rgb: Float[Tensor, "H W 3"],
) -> Fused:
    """Blends the network's log z, shifted by the median difference outside the sky, with the layout's.

    The weights follow from the expected errors of log z; the network has one per pixel. Where the network finds
    something small and nearer than its surroundings, the layout's expected error is raised to at least UNSEEN, because
    the layout has no free-standing objects.
    """
    log_z, error, logit = follow_picture(torch.stack([reading.log_z, reading.error, reading.sky]), rgb)
    sky = logit > SKY_LOGIT
    if layout_sky.any() and logit[layout_sky].mean() > LAND_LOGIT:
        sky = sky | layout_sky
    if sky.float().mean() > SKY_SHARE:
        layout_error = max(layout_error, OUTDOORS)
    land = ~(sky | layout_sky)
    difference = log_z - torch.log(layout_z)
    difference = difference - (difference[land] if land.any() else difference).median()
    nearer = (difference - _broad(difference, land, reading.log_z.shape)).clamp(max=0)
    weight = _weight(error, layout_error)
    change = weight * (difference - nearer) + _weight(error, max(UNSEEN, layout_error)) * nearer
    blended = confidence(weight * error + (1 - weight) * layout_error)
    return Fused(layout_z * torch.exp(change), sky, blended)


def _weight(error: Float[Tensor, "h w"], layout_error: float) -> Float[Tensor, "h w"]:
    """Weight of the network in the blend, in [0, 1]."""
    return 1 / (1 + (error / layout_error) ** SHARPNESS)


def _broad(x: Float[Tensor, "H W"], land: Bool[Tensor, "H W"], size: tuple[int, ...]) -> Float[Tensor, "H W"]:
    """The map without detail: blurred over the land at the resolution of the network's maps."""
    small = F.interpolate(torch.stack([x * land, land.to(x)])[None], size, mode="area")[0]
    blurred = cv2.GaussianBlur(small.permute(1, 2, 0).numpy(), (0, 0), BROAD * size[1], borderType=cv2.BORDER_REFLECT)
    total, weight = torch.from_numpy(blurred).permute(2, 0, 1)
    return F.interpolate((total / weight.clamp_min(1e-3))[None, None], x.shape, mode="bilinear")[0, 0]


def confidence(error: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Probability that the error of log z is below WITHIN, for a Laplace distribution with this mean absolute error."""
    return 1 - torch.exp(-WITHIN / error.clamp_min(1e-6))
