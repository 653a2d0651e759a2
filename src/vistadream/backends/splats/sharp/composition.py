"""From depth and the network's answer to Gaussians, in normalized device coordinates.

The picture reaches from -1 to 1 along x and y at z = 1, and z is camera-space z in the unit of the depth.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.splats.sharp.sizes import LAYERS
from vistadream.core import Gaussians
from vistadream.ops.image.linear_rgb import linear_from_srgb

STRIDE = 2
"""Pixels of the picture, along each axis, that share one Gaussian of each layer."""
DELTAS = 14
"""Numbers about one Gaussian: 3 of its center, 3 scales, 4 of its rotation, 3 colors, and its opacity."""
_FARTHEST = 100.0
"""Depth is cut off at this multiple of the nearest."""
_STEP_OF_CENTER, _STEP_OF_COLOR = 1e-3, 0.1
_LARGEST_SCALE = 10.0
"""In units of the scale without a delta."""


def normalized(depth: Float[Tensor, "l H W"]) -> tuple[Float[Tensor, "l H W"], Float[Tensor, ""]]:
    """The depth in units of its nearest value, and that unit."""
    unit = depth.min() + 1e-6
    return (depth / unit).clamp(max=_FARTHEST), unit


def features_in(picture: Float[Tensor, "3 H W"], depth: Float[Tensor, "l H W"]) -> Float[Tensor, "1 k H W"]:
    """What `SplatFeatures` reads: colors and disparities, mostly from -1 to 1; `depth` is normalized."""
    return 2 * torch.cat([picture, 1 / depth])[None] - 1


def composed(
    picture: Float[Tensor, "3 H W"],
    depth: Float[Tensor, "l H W"],
    unit: Float[Tensor, ""],
    deltas: Float[Tensor, "k l h w"],
) -> Gaussians:
    """One Gaussian for each layer and each square of pixels, layer by layer, with linear colors.

    `depth` is normalized by `unit`; the `deltas` are what the network says, DELTAS numbers about each Gaussian.
    """
    center, scale, rotation, color, opacity = deltas.split([3, 3, 4, 3, 1])
    disparity = F.max_pool2d(1 / depth[:, None], STRIDE)[:, 0]
    z = 1 / (F.softplus(_inverse_softplus(disparity) + _STEP_OF_CENTER * center[2]) + 1e-3)
    x, y = (base + _STEP_OF_CENTER * move for base, move in zip(_grid(disparity), center, strict=False))
    means = torch.stack([x * z, y * z, z]) * unit
    # A Gaussian that covers its square has the square's side as its deviation. The picture is 2 wide.
    covering = 2 * STRIDE / depth.shape[-1] * z * unit
    colors = F.avg_pool2d(picture, STRIDE)[:, None].expand(-1, LAYERS, -1, -1)
    rotation = rotation + rotation.new_tensor([1.0, 0.0, 0.0, 0.0])[:, None, None, None]
    return Gaussians(
        means=_flat(means),
        quats_wxyz=_flat(rotation),
        scales=_flat(covering * _factor(scale)),
        opacities=torch.sigmoid(opacity).flatten(),
        colors=linear_from_srgb(_flat(torch.sigmoid(colors.clamp(0.01, 0.99).logit() + _STEP_OF_COLOR * color))),
    )


def _grid(maps: Float[Tensor, "l h w"]) -> tuple[Float[Tensor, "w"], Float[Tensor, "h 1"]]:
    """x and y of the centers of the squares."""
    x, y = ((2 * torch.arange(n, device=maps.device) + 1) / n - 1 for n in (maps.shape[2], maps.shape[1]))
    return x, y[:, None]


def _factor(delta: Tensor) -> Tensor:
    """The factor of a scale, from 0 to `_LARGEST_SCALE`; 1, with slope 1, where the delta is 0."""
    others = _LARGEST_SCALE - 1
    return _LARGEST_SCALE * torch.sigmoid(_LARGEST_SCALE / others * delta - math.log(others))


def _inverse_softplus(x: Tensor) -> Tensor:
    x = x.clamp_min(1e-6)
    return x + torch.log(-torch.expm1(-x))


def _flat(values: Float[Tensor, "c l h w"]) -> Float[Tensor, "n c"]:
    return values.flatten(1).T.contiguous()
