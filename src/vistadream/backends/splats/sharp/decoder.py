"""The decoder: feature maps of five sizes become one, coarse to fine (Ranftl et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from vistadream.backends.splats.sharp.plan import Plan


class Residual(nn.Module):
    """Layers whose output is added to their input, which `shortcut` brings to the same number of channels."""

    def __init__(self, *layers: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.residual = nn.Sequential(*layers)
        self.shortcut = shortcut

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return self.residual(x) + (x if self.shortcut is None else self.shortcut(x))


def normalized_residual(channels: int, out: int, groups: int) -> Residual:
    """Two convolutions, each after a normalization."""
    between = out // 2
    return Residual(
        *(nn.GroupNorm(groups, channels), nn.ReLU(inplace=True), nn.Conv2d(channels, between, 3, padding=1)),
        *(nn.GroupNorm(groups, between), nn.ReLU(inplace=True), nn.Conv2d(between, out, 3, padding=1)),
        shortcut=None if channels == out else nn.Conv2d(channels, out, 1),
    )


def _plain_residual(channels: int) -> Residual:
    first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
    return Residual(nn.ReLU(), first, nn.ReLU(inplace=True), second)


class Fusion(nn.Module):
    """Adds a finer map to a coarser one, and doubles the size if asked to."""

    def __init__(self, channels: int, doubles: bool):
        super().__init__()
        self.resnet1, self.resnet2 = _plain_residual(channels), _plain_residual(channels)
        self.deconv = nn.ConvTranspose2d(channels, channels, 2, 2, bias=False) if doubles else nn.Identity()
        self.out_conv = nn.Conv2d(channels, channels, 1)

    def forward(
        self, coarse: Float[Tensor, "b c h w"], fine: Float[Tensor, "b c h w"] | None = None
    ) -> Float[Tensor, "b c h2 w2"]:
        both = coarse if fine is None else coarse + self.resnet1(fine)
        return self.out_conv(self.deconv(self.resnet2(both)))


class Decoder(nn.Module):
    """One map of the size of the finest of its inputs."""

    def __init__(self, inputs: Sequence[int], channels: int):
        super().__init__()
        first = nn.Identity() if inputs[0] == channels else nn.Conv2d(inputs[0], channels, 1, bias=False)
        others = (nn.Conv2d(width, channels, 3, padding=1, bias=False) for width in inputs[1:])
        self.convs = nn.ModuleList([first, *others])
        self.fusions = nn.ModuleList(Fusion(channels, doubles=level > 0) for level in range(len(inputs)))

    def decode(self, maps: Sequence[Tensor], plan: Plan) -> Float[Tensor, "b c h w"]:
        """`maps` are fine to coarse, each with half the side of the one before."""
        levels = list(zip(self.convs, self.fusions, maps, strict=True))
        conv, fusion, coarsest = levels.pop()
        found = plan.run(fusion, plan.run(conv, coarsest))
        for conv, fusion, finer in reversed(levels):
            found = plan.run(fusion, found, plan.run(conv, finer))
        return found
