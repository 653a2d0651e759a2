"""Robust estimation of the affine map between two depth or disparity maps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.ops.numerics.deterministic_sum import total
from vistadream.ops.numerics.precision import widened

MIN_PIXELS = 64
"""With fewer common pixels than this, a scale and a shift are not reliable."""
_ENOUGH_PIXELS = 20_000
"""Larger maps are subsampled to about this number of pixels."""


@dataclass(frozen=True)
class Alignment:
    """The map target = scale * source + shift, and how it was found."""

    scale: float
    shift: float
    n_pixels: int
    """Number of pixels that were used."""
    reason: str | None = None
    """Why the affine fit was replaced by the median ratio; None when it was not."""

    def apply(self, source: Tensor) -> Tensor:
        """scale * source + shift."""
        return self.scale * source + self.shift

    def summary(self) -> str:
        """One phrase for people."""
        return f"scale {self.scale:.3f}, shift {self.shift:+.4f}" if self.reason is None else self.reason


def _weighted_line(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and intercept by weighted least squares, with sums about the means for good conditioning."""
    weight = total(w)
    mean_x, mean_y = total(w * x) / weight, total(w * y) / weight
    slope = total(w * (x - mean_x) * (y - mean_y)) / total(w * (x - mean_x) ** 2)
    return slope, mean_y - slope * mean_x


def weighted_median(values: Float[Tensor, "n"], weights: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """The smallest value v such that values <= v have at least half of the weight.

    Equal weights give `Tensor.median`.
    """
    if weights.device.type == "cpu" and bool((weights == weights[0]).all()):  # faster; a GPU would have to be asked
        return values.median()
    ordered, index = values.sort()
    reached = weights[index].cumsum(0)
    return ordered.take(torch.searchsorted(reached, 0.5 * reached[-1]))


def _median_ratio(x: Tensor, y: Tensor, w: Tensor, reason: str) -> Alignment:
    use = (x > 0) & (y > 0)
    ratio = float(weighted_median((y / x)[use], w[use])) if bool(use.any()) else 1.0
    return Alignment(ratio, 0.0, len(x), reason)


@torch.no_grad()
def align_scale_shift(
    source: Float[Tensor, "*n"], target: Float[Tensor, "*n"], weight: Float[Tensor, "*n"], rounds: int = 20
) -> Alignment:
    """Robust scale and shift that map `source` to `target` (depths or disparities) where `weight` > 0.

    Weighted least squares, reweighted in each round by the Geman-McClure factor 1 / (1 + (r/s)^2)^2, where s is 1.4826
    times the weighted median of |r| of the residuals r. Falls back to the median ratio without shift, and gives the
    reason, if there are fewer than MIN_PIXELS finite pixels, if the source is constant, or if the scale is <= 0.
    """
    use = (weight > 0) & source.isfinite() & target.isfinite()
    x, y, w = widened(torch.stack([source, target, weight])[:, use])
    if len(x) < MIN_PIXELS:
        return _median_ratio(x, y, w, f"only {len(x)} common pixels, fewer than {MIN_PIXELS}")
    if float(x.std()) <= 1e-6 * float(x.abs().mean()):
        return _median_ratio(x, y, w, "the source is constant")
    scale, shift = _weighted_line(x, y, w)
    floor = 1e-9 * y.abs().mean() + torch.finfo(y.dtype).tiny
    for _ in range(rounds):
        residual = (scale * x + shift - y).abs()
        spread = (1.4826 * weighted_median(residual, w)).clamp(min=floor)
        scale, shift = _weighted_line(x, y, w / (1 + (residual / spread) ** 2) ** 2)
    found, offset = torch.stack([scale, shift]).tolist()
    if not found > 0:
        return _median_ratio(x, y, w, f"the fitted scale {found:.3g} is not positive")
    return Alignment(found, offset, len(x))


def align_subsampled(source: Float[Tensor, "n"], target: Float[Tensor, "n"], weight: Float[Tensor, "n"]) -> Alignment:
    """`align_scale_shift` on every k-th pixel, where k is such that about _ENOUGH_PIXELS are used."""
    step = max(1, len(source) // _ENOUGH_PIXELS)
    return align_scale_shift(source[::step], target[::step], weight[::step])
