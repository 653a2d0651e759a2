"""The network: a small convolutional U-Net with attention at its bottom; its input includes each pixel's ray."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

STRIDE = 16
"""Heights and widths are multiples of this many pixels."""
HALVING = 2
"""Pixels of the input per pixel of the output maps, along each side."""
USUAL_AREA = 96 * 128
"""Pixels of most pictures of the training."""
INPUTS, MAPS = 6, 6
"""Channels in: color, ray's x and y, focal known. Channels out: log z, log error, normal, sky."""


@dataclass(frozen=True, eq=False)
class Maps:
    """The network's output for b pictures."""

    log_z: Float[Tensor, "b h w"]
    """Natural logarithm of camera-space z; its mean is not reliable."""
    log_error: Float[Tensor, "b h w"]
    """Logarithm of the Laplace scale of the error of log_z: the expected absolute error."""
    normal: Float[Tensor, "b 3 h w"]
    """Unit normals in OpenCV camera axes."""
    sky: Float[Tensor, "b h w"]
    """Logits."""


class _Residual(nn.Module):
    """A residual block of two 3x3 convolutions (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.second, self.second_norm = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.first_norm(self.first(x)))
        return F.relu(x + self.second_norm(self.second(inner)))


def _residuals(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Residual(width) for _ in range(count)))


class _Attention(nn.Module):
    """A transformer block (Vaswani et al. 2017, normalized first) over all positions of a map."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.after, self.widen, self.narrow = (
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.Linear(3 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        tokens = x.flatten(2).mT
        q, k, v = self.qkv(self.before(tokens)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1)
        mixed = (weights @ v).transpose(1, 2).reshape(b, h * w, c)
        tokens = tokens + self.out(mixed)
        tokens = tokens + self.narrow(F.gelu(self.widen(self.after(tokens))))
        return tokens.mT.reshape(b, c, h, w)


class _Norm(nn.LayerNorm):
    """Layer normalization over the channels of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def _down(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """A convolution that shrinks a map."""
    shrink = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(shrink, nn.BatchNorm2d(outputs), nn.ReLU())


class _Up(nn.Module):
    """Doubles the size of a map and merges it with the skip connection."""

    def __init__(self, below: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(below + skip, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        doubled = F.interpolate(below, scale_factor=2, mode="nearest")
        return F.relu(self.norm(self.join(torch.cat([doubled, skip], 1))))


class DepthNet(nn.Module):
    """3 million parameters; `widths` are the channels at 1/4, 1/8 and 1/16 of the picture's size.

    `depth` is the number of attention blocks, `blocks` that of residual blocks at each place where there are some. The
    network works best on pictures of about the largest size in its training, `area` pixels.
    """

    def __init__(
        self, area: int = 48 * 64, depth: int = 14, blocks: int = 3, widths: tuple[int, int, int] = (32, 64, 128)
    ) -> None:
        super().__init__()
        self.area, self.depth, self.blocks = area, depth, blocks
        w4, w8, w16 = widths
        self.down4 = nn.Sequential(_down(INPUTS, w4, 7, 4), *_residuals(w4, blocks))
        self.down8 = nn.Sequential(_down(w4, w8, 3, 2), *_residuals(w8, blocks))
        self.down16 = nn.Sequential(_down(w8, w16, 3, 2), *(_Attention(w16) for _ in range(depth)), _Norm(w16))
        self.up8 = _Up(w16, w8, w8)
        self.mix8 = _residuals(w8, blocks)
        self.up4 = _Up(w8, w4, w4)
        self.mix4 = _residuals(w4, blocks)
        self.maps = nn.Conv2d(w4, MAPS * (4 // HALVING) ** 2, 3, padding=1)
        self.usual = nn.Sequential(nn.Conv2d(INPUTS - 3, 32, 1), nn.GELU(), nn.Conv2d(32, MAPS, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.maps.weight, std=0.01)

    def forward(self, pictures: Float[Tensor, "b 6 H W"]) -> Maps:
        """Maps at half the size of the pictures, whose channels are those of `pack`."""
        at4 = self.down4(pictures)
        at8 = self.down8(at4)
        at16 = self.down16(at8)
        x = self.mix4(self.up4(self.mix8(self.up8(at16, at8)), at4))
        usual = self.usual(F.avg_pool2d(pictures[:, 3:], 2 * HALVING)).float()  # prior from the rays alone
        usual = F.interpolate(usual, scale_factor=2, mode="bilinear")
        maps = F.pixel_shuffle(self.maps(x).float(), 4 // HALVING) + usual
        normal = F.normalize(maps[:, 2:5] + maps.new_tensor([0, 0, -0.1])[:, None, None], dim=1)
        return Maps(maps[:, 0], maps[:, 1].clamp(-6, 3), normal, maps[:, 5])


def pack(
    rgb: Float[Tensor, "b 3 H W"], rays_xy: Float[Tensor, "b 2 H W"], focal_known: Float[Tensor, "b"]
) -> Float[Tensor, "b 6 H W"]:
    """The network's input from sRGB colors in [0, 1] and rays at z = 1; `focal_known` is 0 if the rays are guessed."""
    flag = focal_known[:, None, None, None].expand(-1, 1, *rgb.shape[2:])
    return torch.cat([(rgb - 0.45) * 4, rays_xy, flag], 1)
