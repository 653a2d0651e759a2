"""Features from which the Gaussians are read: those of the pyramid, and the picture with its depth."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from vistadream.backends.splats.sharp.decoder import Decoder, Fusion, normalized_residual
from vistadream.backends.splats.sharp.plan import Plan
from vistadream.backends.splats.sharp.sizes import LAYERS, Sizes


class SplatFeatures(nn.Module):
    """Two maps of half the picture's side: for the places of the Gaussians, and for all else about them."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        channels = sizes.splat_channels
        self.decoder = Decoder(sizes.pyramid, channels)
        self.image_encoder = nn.Sequential(OrderedDict(conv=nn.Conv2d(3 + LAYERS, channels, 2, 2)))
        self.fusion = Fusion(channels, doubles=False)
        self.texture_head, self.geometry_head = _head(sizes), _head(sizes)

    def read(
        self, picture: Float[Tensor, "1 5 H W"], pyramid: Sequence[Tensor], plan: Plan
    ) -> tuple[Float[Tensor, "1 c h w"], Float[Tensor, "1 c h w"]]:
        """Features of geometry and of texture. `picture` holds the colors and the disparities of both layers."""
        found = self.decoder.decode(pyramid, plan)
        found = plan.run(self.fusion, found, plan.run(self.image_encoder, picture))
        return plan.run(self.geometry_head, found), plan.run(self.texture_head, found)


def _head(sizes: Sizes) -> nn.Sequential:
    channels = sizes.splat_channels
    blocks = (normalized_residual(channels, channels, sizes.groups) for _ in range(2))
    return nn.Sequential(*blocks, nn.ReLU(), nn.Conv2d(channels, sizes.splat_features, 1), nn.ReLU())
