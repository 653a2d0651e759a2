"""The network as a whole, under the names of the published tensors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vistadream.backends.splats.sharp.composition import DELTAS, composed, features_in, normalized
from vistadream.backends.splats.sharp.decoder import Decoder
from vistadream.backends.splats.sharp.plan import Plan
from vistadream.backends.splats.sharp.pyramid import Pyramid
from vistadream.backends.splats.sharp.scale_map import scale_map_estimator
from vistadream.backends.splats.sharp.sizes import LAYERS, PUBLISHED, Sizes
from vistadream.backends.splats.sharp.splat_features import SplatFeatures
from vistadream.core import Gaussians

_CENTER = 3
"""Numbers about the center of a Gaussian, which the geometry says."""
_ALIGNMENT = "depth_alignment"


class Answer(NamedTuple):
    """What the network says about a picture."""

    depth: Float[Tensor, "l H W"]
    """Camera-space z of the two layers, the visible one first, in meters."""
    gaussians: Gaussians
    """In normalized device coordinates, with linear colors (see `composition.py`)."""


class Monodepth(nn.Module):
    """Disparity of two layers, and the feature maps behind it."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        channels, features = sizes.depth_channels, sizes.depth_features
        self.encoder = Pyramid(sizes)
        self.decoder = Decoder(sizes.pyramid, channels)
        self.head = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 3, padding=1),
            nn.ConvTranspose2d(channels // 2, channels // 2, 2, 2),
            nn.Conv2d(channels // 2, features, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(features, LAYERS, 1),
            nn.ReLU(),
        )

    def read(self, picture: Float[Tensor, "3 H W"], plan: Plan) -> tuple[Float[Tensor, "l H W"], list[Tensor]]:
        """The disparity in units of the picture's width over the focal length, and the pyramid."""
        pyramid = self.encoder.encode(2 * picture[None] - 1, plan)
        return plan.run(self.head, self.decoder.decode(pyramid, plan))[0], pyramid


class SharpNetwork(nn.Module):
    """A square picture becomes Gaussians."""

    def __init__(self, sizes: Sizes = PUBLISHED):
        super().__init__()
        self.sizes = sizes
        self.monodepth_model = nn.ModuleDict({"monodepth_predictor": Monodepth(sizes)})
        self.feature_model = SplatFeatures(sizes)
        wanted = {"geometry": _CENTER, "texture": DELTAS - _CENTER}
        heads = {f"{of}_prediction_head": nn.Conv2d(sizes.splat_features, LAYERS * n, 1) for of, n in wanted.items()}
        self.prediction_head = nn.ModuleDict(heads)
        alignment = nn.ModuleDict({"scale_map_estimator": scale_map_estimator(sizes.alignment_channels)})
        self.add_module(_ALIGNMENT, alignment)

    @property
    def _monodepth(self) -> Monodepth:
        part = self.monodepth_model["monodepth_predictor"]
        assert isinstance(part, Monodepth)
        return part

    def drop_unused(self) -> None:
        """Forgets the tensors that no picture needs: the encoders' classifiers, and what only the training used."""
        delattr(self, _ALIGNMENT)
        for encoder in self._monodepth.encoder.transformers:
            del encoder.head

    def halve_encoders(self) -> None:
        """Stores in bfloat16 the layers that autocast runs in bfloat16, which changes no result."""
        for encoder in self._monodepth.encoder.transformers:
            for layer in encoder.modules():
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    layer.bfloat16()

    @torch.no_grad()
    def predict(self, picture: Float[Tensor, "3 H W"], focal_widths: float, plan: Plan) -> Answer:
        """The Gaussians of a picture of `sizes.picture_px` squared pixels in sRGB.

        `focal_widths` is the horizontal focal length divided by the width, which stretching the picture keeps.
        """
        disparity, pyramid = self._monodepth.read(picture, plan)
        depth = focal_widths / disparity.clamp(1e-4, 1e4)
        relative, unit = normalized(depth)
        features = self.feature_model.read(features_in(picture, relative), pyramid, plan)
        said = [
            plan.run(head, some)[0].unflatten(0, (-1, LAYERS))
            for head, some in zip(self.prediction_head.values(), features, strict=True)
        ]
        return Answer(depth, composed(picture, relative, unit, torch.cat(said)))
