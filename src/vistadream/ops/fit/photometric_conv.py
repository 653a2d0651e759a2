"""The photometric loss of `photometric.py` in plain torch, for GPUs, by the same formulas and with the same gradient.

The gradient is computed with the loss rather than by autograd: that takes half of the operations, and each costs about
the same on a GPU. Nothing is read, so the CPU does not wait.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_REACH = 5
_BELL = [math.exp(-0.5 * (offset / 1.5) ** 2) for offset in range(-_REACH, _REACH + 1)]
_TAPS = [tap / sum(_BELL) for tap in _BELL]
_MIDDLE = 0.5
"""Subtracted before products are formed: the variance then loses fewer digits."""
_C1, _C2 = 0.01**2, 0.03**2


class ConvL1Dssim(torch.autograd.Function):
    """`l1_dssim` on the device of its arguments."""

    @staticmethod
    def forward(ctx: Any, rendered: Tensor, target: Tensor, weight: Tensor, dssim_weight: float) -> Tensor:
        x, y = (image.detach().permute(2, 0, 1) - _MIDDLE for image in (rendered, target))
        whole = weight.sum()
        share = weight / torch.where(whole > 0, 3 * whole, 1.0)
        loss, gradient = _loss_and_gradient(x, y, share, dssim_weight)
        ctx.gradient = gradient.permute(1, 2, 0)
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, loss_grad: Tensor) -> tuple[Tensor | None, ...]:
        return loss_grad * ctx.gradient, None, None, None


def _loss_and_gradient(
    x: Float[Tensor, "3 h w"], y: Float[Tensor, "3 h w"], share: Float[Tensor, "h w"], mix: float
) -> tuple[Float[Tensor, ""], Float[Tensor, "3 h w"]]:
    """Sum of share * loss over all pixels and channels, and its gradient with respect to x."""
    taps, norm = _taps(x.device), _norm(*share.shape, x.device)
    means = _blurred(torch.cat([x, y, x * x, y * y, x * y]), taps) * norm
    mx, my, xx, yy, xy = means.split(3)
    # SSIM = a1 a2 / (b1 b2), from means, variances and covariance.
    true_mx, true_my = mx + _MIDDLE, my + _MIDDLE
    a1, a2 = 2 * (true_mx * true_my) + _C1, 2 * torch.addcmul(xy, mx, my, value=-1) + _C2
    b1 = torch.addcmul(true_mx * true_mx, true_my, true_my) + _C1
    b2 = torch.addcmul(xx, mx, mx, value=-1) + torch.addcmul(yy, my, my, value=-1) + _C2
    b = b1 * b2
    ssim = a1 * a2 / b
    difference = x - y
    loss = (share * torch.lerp(difference.abs(), 1 - ssim, mix)).sum()
    # Its derivatives with respect to the means of x, x x and x y.
    slope = share * norm * (-2 * mix)
    through_a = (true_my * a2 - my * a1) / b
    through_b = ssim * (mx / b2 - true_mx / b1)
    slopes = torch.cat([through_a + through_b, -0.5 * ssim / b2, a1 / b]) * slope
    of_x, of_xx, of_xy = _blurred(slopes, taps).split(3)
    through_ssim = torch.addcmul(torch.addcmul(of_x, x, of_xx, value=2), y, of_xy)
    return loss, torch.addcmul(through_ssim, share, difference.sign(), value=1 - mix)


def _blurred(planes: Float[Tensor, "c h w"], taps: Float[Tensor, "taps"]) -> Float[Tensor, "c h w"]:
    """Weighted sums over 11x11 windows; beyond the border is 0."""
    count = len(planes)
    with torch.backends.cudnn.flags(enabled=False):  # which may round to TF32, too coarse for variances
        across = F.conv2d(planes[None], taps.expand(count, 1, 1, -1), padding=(0, _REACH), groups=count)
        return F.conv2d(across, taps[:, None].expand(count, 1, -1, 1), padding=(_REACH, 0), groups=count)[0]


@cache
def _taps(device: torch.device) -> Float[Tensor, "taps"]:
    return torch.tensor(_TAPS, device=device)


@lru_cache(16)
def _norm(height: int, width: int, device: torch.device) -> Float[Tensor, "h w"]:
    """1 / (sum of the taps inside the picture) of every pixel."""
    return 1 / _blurred(torch.ones(1, height, width, device=device), _taps(device))[0]
