"""Where the transmittance of each pixel falls to one half, found for all pixels together."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_REACH = 6.0
"""Distance from a peak in standard deviations at which 2^-25 of its density is left."""
_TOGETHER, _ROUNDS, _NEWTON = 4, 80, 20
"""Steps for all pixels together; the most steps for those that are still open; steps after which these bisect."""
_CHECKED = 4
"""The steps after which the CPU asks whether pixels are still open."""
_CLOSE, _STEP = 25.0, 1.0
"""Tolerances of log(2 T), and of z relative to z, in units of the resolution of floating point numbers."""


class Profiles(NamedTuple):
    """The values by which each pair of a splat and a pixel contributes to log T of its pixel."""

    alphas: Float[Tensor, "m"]
    behind: Float[Tensor, "m"]
    """log(1 - alpha): log T_i far behind the peak."""
    peaks: Float[Tensor, "m"]
    curvatures: Float[Tensor, "m"]
    pixel_of: Int[Tensor, "m"]
    n_pixels: int

    @staticmethod
    def of(alphas: Tensor, peaks: Tensor, curvatures: Tensor, pixel_of: Tensor, n_pixels: int) -> Profiles:
        return Profiles(alphas, torch.log1p(-alphas), peaks, curvatures, pixel_of, n_pixels)

    def sums(self, z: Float[Tensor, "p"]) -> tuple[Float[Tensor, "p"], Float[Tensor, "p"]]:
        """log T and -d log T / dz of each pixel at its z."""
        beyond = z[self.pixel_of] - self.peaks
        per_z = 0.5 * self.curvatures * beyond
        density = self.alphas * torch.exp(-per_z * beyond)
        half = 0.5 * torch.log1p(-density)
        logs = torch.where(beyond > 0, self.behind - half, half)
        terms = torch.stack([logs, per_z.abs() * density / (1 - density)], dim=1)
        log_t, slope = terms.new_zeros(self.n_pixels, 2).index_add(0, self.pixel_of, terms).unbind(1)
        return log_t, slope

    def part(self, pixels: Bool[Tensor, "p"], count: int) -> Profiles:
        """Those of some pixels alone, of which there are `count`."""
        kept = torch.nonzero(pixels[self.pixel_of])[:, 0]
        number = (pixels.cumsum(0) - 1)[self.pixel_of[kept]]
        return Profiles(self.alphas[kept], self.behind[kept], self.peaks[kept], self.curvatures[kept], number, count)


class _Search(NamedTuple):
    """The state of the search in each pixel."""

    z: Float[Tensor, "p"]
    low: Float[Tensor, "p"]
    high: Float[Tensor, "p"]
    limit: Float[Tensor, "p"]
    """The largest step."""
    open: Bool[Tensor, "p"]
    """Whether the root is not yet found."""

    def part(self, pixels: Int[Tensor, "k"]) -> _Search:
        return _Search(*(values[pixels] for values in self))


@torch.no_grad()
def root(profiles: Profiles, crossing: Int[Tensor, "p"]) -> Float[Tensor, "p"]:
    """z at which T falls to one half; every pixel must have one. `crossing` is the pair at which to begin.

    Newton's method on log(2 T), where each step is at most twice the one before, and bisection where a step leaves the
    bracket. After some steps only the pixels that are still open go on.
    """
    search = _begun(profiles, crossing)
    for _ in range(_TOGETHER):
        search = _step(profiles, search, newton=True)
    z, left = search.z, torch.nonzero(search.open)[:, 0]
    if not len(left):
        return z
    profiles, search = profiles.part(search.open, len(left)), search.part(left)
    for step in range(_TOGETHER, _ROUNDS):
        search = _step(profiles, search, newton=step < _NEWTON)
        if (step - _TOGETHER) % _CHECKED == _CHECKED - 1 and not bool(search.open.any()):
            break
    return z.index_put((left,), search.z)


def _begun(profiles: Profiles, crossing: Int[Tensor, "p"]) -> _Search:
    """A bracket of all densities of each pixel, and a start just before the splat at which T falls to one half."""
    reach = _REACH / profiles.curvatures.sqrt()
    ends = profiles.peaks.new_zeros(profiles.n_pixels)
    low = ends.scatter_reduce(0, profiles.pixel_of, profiles.peaks - reach, "amin", include_self=False)
    high = ends.scatter_reduce(0, profiles.pixel_of, profiles.peaks + reach, "amax", include_self=False)
    width = 1 / profiles.curvatures[crossing].sqrt()
    return _Search(profiles.peaks[crossing] - width, low, high, width, torch.ones_like(low, dtype=torch.bool))


def _step(profiles: Profiles, search: _Search, newton: bool) -> _Search:
    """One step of Newton's method or, where that leaves the bracket, of bisection."""
    resolution = torch.finfo(search.z.dtype).eps
    logs, slope = profiles.sums(search.z)
    excess, z = logs + math.log(2), search.z
    low, high = torch.where(excess > 0, z, search.low), torch.where(excess > 0, search.high, z)
    following = 0.5 * (low + high)
    if newton:
        further = z + (excess / slope).clamp(-search.limit, search.limit)
        following = torch.where((further >= low) & (further <= high), further, following)
    still = (excess.abs() > _CLOSE * resolution) & ((following - z).abs() > _STEP * resolution * z.abs())
    return _Search(torch.where(still, following, z), low, high, 2 * search.limit, still)
