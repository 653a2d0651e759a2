"""The affine map between two depth or disparity maps, found robustly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.ops.numerics.deterministic_sum import total

MIN_PIXELS = 64
"""A scale and a shift from fewer common pixels than this are not reliable."""
_ENOUGH_PIXELS = 20_000
"""Subsampling to about this many pixels is enough."""


@dataclass(frozen=True)
class Alignment:
    """target = scale * source + shift, and how it was found."""

    scale: float
    shift: float
    n_pixels: int
    """Pixels that were used."""
    reason: str | None = None
    """Why the affine fit was given up for the median ratio; None when it was not."""

    def apply(self, source: Tensor) -> Tensor:
        """scale * source + shift."""
        return self.scale * source + self.shift

    def words(self) -> str:
        """For people."""
        return f"scale {self.scale:.3f}, shift {self.shift:+.4f}" if self.reason is None else self.reason


def _weighted_line(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and intercept of least squares; sums about the means, which keeps them well conditioned."""
    weight = total(w)
    mean_x, mean_y = total(w * x) / weight, total(w * y) / weight
    slope = total(w * (x - mean_x) * (y - mean_y)) / total(w * (x - mean_x) ** 2)
    return slope, mean_y - slope * mean_x


def weighted_median(values: Float[Tensor, "n"], weights: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """The smallest value that at least half of the weight does not exceed; equal weights give `Tensor.median`."""
    if bool((weights == weights[0]).all()):
        return values.median()
    ordered, index = values.sort()
    reached = weights[index].cumsum(0)
    return ordered[torch.searchsorted(reached, 0.5 * reached[-1])]


def _median_ratio(x: Tensor, y: Tensor, w: Tensor, reason: str) -> Alignment:
    use = (x > 0) & (y > 0)
    ratio = float(weighted_median((y / x)[use], w[use])) if bool(use.any()) else 1.0
    return Alignment(ratio, 0.0, len(x), reason)


@torch.no_grad()
def align_scale_shift(
    source: Float[Tensor, "*n"], target: Float[Tensor, "*n"], weight: Float[Tensor, "*n"], rounds: int = 20
) -> Alignment:
    """Robust scale and shift that bring `source` to `target` (depths or disparities) where `weight` > 0.

    Weighted least squares, reweighted by the Geman-McClure factor 1 / (1 + (r/s)^2)^2 with s = 1.4826 MAD of the
    residuals r, a weighted median. A fit without support (under MIN_PIXELS finite pixels, a constant source, a
    scale <= 0) falls back to the median ratio with no shift, and says why.
    """
    use = (weight > 0) & source.isfinite() & target.isfinite()
    x, y, w = (t[use].double() for t in (source, target, weight))
    if len(x) < MIN_PIXELS:
        return _median_ratio(x, y, w, f"only {len(x)} common pixels, fewer than {MIN_PIXELS}")
    if float(x.std()) <= 1e-6 * float(x.abs().mean()):
        return _median_ratio(x, y, w, "the source is constant")
    scale, shift = _weighted_line(x, y, w)
    floor = 1e-9 * y.abs().mean() + torch.finfo(torch.float64).tiny
    for _ in range(rounds):
        residual = (scale * x + shift - y).abs()
        spread = (1.4826 * weighted_median(residual, w)).clamp(min=floor)
        scale, shift = _weighted_line(x, y, w / (1 + (residual / spread) ** 2) ** 2)
    if not float(scale) > 0:
        return _median_ratio(x, y, w, f"the fitted scale {float(scale):.3g} is not positive")
    return Alignment(float(scale), float(shift), len(x))


def align_evenly_picked(
    source: Float[Tensor, "n"], target: Float[Tensor, "n"], weight: Float[Tensor, "n"]
) -> Alignment:
    """`align_scale_shift` of every k-th pixel, so that about _ENOUGH_PIXELS are used."""
    step = max(1, len(source) // _ENOUGH_PIXELS)
    return align_scale_shift(source[::step], target[::step], weight[::step])
