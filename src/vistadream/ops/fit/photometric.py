"""The photometric loss L1 + D-SSIM together with its gradient, for CPUs.

In plain torch this loss takes longer than the rendering of the picture. Here it takes three passes over the rows:

1. `_blur_products`: horizontal sums of the five products x, y, x x, y y and x y;
2. `_compare`: their vertical sums, SSIM, its derivatives, and the horizontal sums of the derivatives;
3. `_combine`: the vertical sums of those, and the gradient.

A row holds the RGB of its pixels one after another, so that the next pixel of the same channel is three numbers away.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.ops.fit.photometric_conv import ConvL1Dssim
from vistadream.ops.numerics.deterministic_sum import total
from vistadream.ops.numerics.jit import inlined, kernel
from vistadream.ops.numerics.threads import over_range

_REACH = 5
_BELL = [math.exp(-0.5 * (offset / 1.5) ** 2) for offset in range(-_REACH, _REACH + 1)]
_TAPS = tuple(np.float32(tap / sum(_BELL)) for tap in _BELL)
_MIDDLE = np.float32(0.5)  # subtracted before products are formed: the variance then loses fewer digits
_C1, _C2 = np.float32(0.01**2), np.float32(0.03**2)
_OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}


def l1_dssim(
    rendered: Float[Tensor, "h w 3"],
    target: Float[Tensor, "h w 3"],
    weight: Float[Tensor, "h w"],
    dssim_weight: float,
) -> Float[Tensor, ""]:
    """Weighted mean over the pixels of (1 - dssim_weight) |rendered - target| + dssim_weight (1 - SSIM), mean of RGB.

    SSIM is that of Wang et al. 2004 (Gaussian window 11x11, sigma 1.5, renormalized at the picture's border). Only
    `rendered` gets a gradient. 0 when no pixel has weight. On a GPU it is computed by convolutions. Raises ValueError
    for tensors that are not float32 on one device, and for shapes that do not match.
    """
    device = rendered.device
    for name, image, shape in (
        ("rendered", rendered, (*weight.shape, 3)),
        ("target", target, (*weight.shape, 3)),
        ("weight", weight, tuple(weight.shape)),
    ):
        if tuple(image.shape) != shape or image.dtype != torch.float32 or image.device != device:
            got = f"{tuple(image.shape)} {image.dtype} on {image.device}"
            raise ValueError(f"l1_dssim: {name} is {got}; wanted {shape} torch.float32 on {device}")
    if not 0 <= dssim_weight <= 1:
        raise ValueError(f"l1_dssim: dssim_weight is {dssim_weight}; wanted 0 to 1")
    form = _L1Dssim if device.type == "cpu" else ConvL1Dssim
    return form.apply(rendered, target, weight, dssim_weight)


class _L1Dssim(torch.autograd.Function):
    """Computes the gradient together with the loss, because the two share nearly all of their work."""

    @staticmethod
    def forward(ctx: Any, rendered: Tensor, target: Tensor, weight: Tensor, dssim_weight: float) -> Tensor:
        h, w = weight.shape
        x, y = (image.detach().contiguous().numpy().reshape(h, 3 * w) for image in (rendered, target))
        whole = float(total(weight.detach().double()))
        share = weight.detach().numpy() / (3 * whole) if whole else np.zeros((h, w), np.float32)
        loss, gradient = _loss_and_gradient(x, y, share.repeat(3, axis=1), dssim_weight)
        ctx.gradient = torch.from_numpy(gradient).view(h, w, 3)
        return rendered.new_tensor(loss)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, loss_grad: Tensor) -> tuple[Tensor | None, ...]:
        return loss_grad * ctx.gradient, None, None, None


def _loss_and_gradient(
    x: Float[np.ndarray, "h c"], y: Float[np.ndarray, "h c"], share: Float[np.ndarray, "h c"], dssim_weight: float
) -> tuple[float, Float[np.ndarray, "h c"]]:
    """Sum of share * loss over all pixels and channels, and its gradient with respect to x."""
    threads = torch.get_num_threads()
    height, columns = x.shape
    across = _inverse_norm(columns // 3).repeat(3)
    down = _inverse_norm(height)
    products = np.empty((5, height, columns), np.float32)
    over_range(threads, height, lambda a, b: _blur_products(a, b, x, y, across, products))
    slopes = np.empty((3, height, columns), np.float32)
    losses = np.empty(height)
    mix = np.float32(dssim_weight)
    over_range(threads, height, lambda a, b: _compare(a, b, x, y, share, mix, products, across, down, slopes, losses))
    gradient = np.empty_like(x)
    over_range(threads, height, lambda a, b: _combine(a, b, x, y, share, mix, slopes, gradient))
    return float(losses.sum()), gradient


def _inverse_norm(size: int) -> Float[np.ndarray, " size"]:
    """1 / (sum of the taps inside the picture) for every position of a row or column."""
    return (1 / np.convolve(np.ones(size), _TAPS)[_REACH : _REACH + size]).astype(np.float32)


@inlined(**_OPTIONS)
def _blur_across(padded, out):
    """out[i] = sum over k of taps[k] padded[i + 3 k]."""
    for i in range(len(out)):
        total = np.float32(0)
        for k in range(2 * _REACH + 1):
            total += _TAPS[k] * padded[i + 3 * k]
        out[i] = total


@inlined(**_OPTIONS)
def _blur_down(plane, row, out):
    """out = the weighted sum of the rows of plane around `row`."""
    out[:] = 0
    for k in range(max(-_REACH, -row), min(_REACH + 1, len(plane) - row)):
        tap, source = _TAPS[k + _REACH], plane[row + k]
        for i in range(len(out)):
            out[i] += tap * source[i]


@kernel(**_OPTIONS)
def _blur_products(first, last, x, y, across, products):
    """Fills rows [first, last) of products with the horizontal means of x, y, x x, y y, x y, relative to _MIDDLE."""
    columns = x.shape[1]
    padded = np.zeros(columns + 6 * _REACH, np.float32)
    for row in range(first, last):
        for product in range(5):
            for i in range(columns):
                a, b = x[row, i] - _MIDDLE, y[row, i] - _MIDDLE
                padded[3 * _REACH + i] = (a, b, a * a, b * b, a * b)[product]
            _blur_across(padded, products[product, row])
            for i in range(columns):
                products[product, row, i] *= across[i]


@kernel(**_OPTIONS)
def _compare(first, last, x, y, share, mix, products, across, down, slopes, losses):
    """Fills losses, and slopes with the horizontal sums of d loss / d mean of x, x x and x y."""
    columns = x.shape[1]
    means = np.empty((5, columns), np.float32)
    padded = np.zeros((3, columns + 6 * _REACH), np.float32)
    for row in range(first, last):
        for product in range(5):
            _blur_down(products[product], row, means[product])
        losses[row] = _compare_row(x[row], y[row], share[row], mix, means, across, down[row], padded)
        for p in range(3):
            _blur_across(padded[p], slopes[p, row])


@inlined(**_OPTIONS)
def _compare_row(x, y, share, mix, means, across, down, padded):
    """The loss of one row; fills padded with its derivatives, normalized like the means."""
    loss, one, two, edge = 0.0, np.float32(1), np.float32(2), 3 * _REACH
    for i in range(len(x)):
        mx, my = means[0, i] * down, means[1, i] * down
        xx, yy, xy = means[2, i] * down, means[3, i] * down, means[4, i] * down
        # SSIM = a1 a2 / (b1 b2), from means, variances and covariance.
        true_mx, true_my = mx + _MIDDLE, my + _MIDDLE
        a1, a2 = two * true_mx * true_my + _C1, two * (xy - mx * my) + _C2
        b1, b2 = true_mx * true_mx + true_my * true_my + _C1, xx - mx * mx + yy - my * my + _C2
        ssim = a1 * a2 / (b1 * b2)
        loss += share[i] * ((one - mix) * abs(x[i] - y[i]) + mix * (one - ssim))
        # Its derivatives with respect to the means of x, x x and x y.
        slope = -share[i] * mix * across[i] * down
        through_a = (true_my * a2 - my * a1) / (b1 * b2)
        through_b = ssim * (mx / b2 - true_mx / b1)
        padded[0, edge + i] = slope * two * (through_a + through_b)
        padded[1, edge + i] = -slope * ssim / b2
        padded[2, edge + i] = slope * two * a1 / (b1 * b2)
    return loss


@kernel(**_OPTIONS)
def _combine(first, last, x, y, share, mix, slopes, gradient):
    """Fills rows [first, last) of d loss / d x."""
    sums = np.empty((3, x.shape[1]), np.float32)
    for row in range(first, last):
        for p in range(3):
            _blur_down(slopes[p], row, sums[p])
        for i in range(x.shape[1]):
            a, b = x[row, i] - _MIDDLE, y[row, i] - _MIDDLE
            through_ssim = sums[0, i] + np.float32(2) * a * sums[1, i] + b * sums[2, i]
            gradient[row, i] = through_ssim + share[row, i] * (np.float32(1) - mix) * np.sign(a - b)
