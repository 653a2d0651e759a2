"""What the network is trained for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from train_embedded_depth.framing import Window
from train_embedded_depth.generate import Samples
from vistadream.backends.depth.network.model import HALVING, Maps

REACH = 3.4
"""Truth farther than e^3.4 = 30 times the near parts counts as that far: more would only be clamped later."""
WEIGHTS = {
    "depth": 1.0,
    "likelihood": 0.3,
    "slope": 0.5,
    "level": 0.05,
    "order": 0.15,
    "agreement": 0.2,
    "normal": 1.5,
    "sky": 1.0,
}
PAIRS = 1024
"""Pairs of points per picture whose order counts."""
APART, SOFTNESS = 0.05, 0.15
"""Differences of log z: pairs closer than the first have no order; the second is the scale of the logistic loss."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Samples at the size of the network's maps."""

    log_z: Float[Tensor, "b h w"]
    normal: Float[Tensor, "b 3 h w"]
    valid: Bool[Tensor, "b h w"]
    """Pixels all of whose parts are land, not sky."""
    sky: Bool[Tensor, "b h w"]

    @staticmethod
    def of(samples: Samples) -> Truth:
        """Averaged over the pixels that a map's pixel covers."""
        log_z = torch.where(samples.sky, torch.nan, torch.log(samples.z))
        near = torch.nanquantile(log_z[:, ::4, ::4].flatten(1), 0.05, dim=1)[:, None, None]
        log_z = torch.minimum(log_z.nan_to_num(0), near.nan_to_num(0) + REACH)
        share = F.avg_pool2d(samples.sky[:, None].float(), HALVING)[:, 0]
        normal = F.normalize(F.avg_pool2d(samples.normal, HALVING), dim=1)
        return Truth(F.avg_pool2d(log_z[:, None], HALVING)[:, 0], normal, share == 0, share > 0.5)


def losses(maps: Maps, truth: Truth, shared: Window) -> dict[str, Tensor]:
    """Each term, unweighted; depth up to one factor per picture (Eigen et al. 2014), its error Laplacian.

    The second half of the batch are other copies of the scenes of the first half, which show the `shared` part.
    """
    error, level, count = _leveled(maps.log_z - truth.log_z, truth.valid)
    size = error.abs()
    likelihood = torch.where(truth.valid, size.detach() * torch.exp(-maps.log_error) + maps.log_error, 0.0)
    angle = torch.where(truth.valid, 1 - (maps.normal * truth.normal).sum(1), 0.0)
    return {
        "depth": (size.sum((1, 2)) / count).mean(),
        "likelihood": (likelihood.sum((1, 2)) / count).mean(),
        "slope": torch.stack([_slope(error, truth.valid, step) for step in (1, 2, 4)]).mean(),
        "level": level.abs().clamp(max=2).mean(),
        "order": _order(maps.log_z, truth),
        "agreement": _disagreement(maps.log_z, truth.valid, shared),
        "normal": (angle.sum((1, 2)) / count).mean(),
        "sky": F.binary_cross_entropy_with_logits(maps.sky, truth.sky.float()),
    }


def _disagreement(log_z: Tensor, valid: Tensor, shared: Window) -> Tensor:
    """Mean difference of log z, up to one factor per picture, between first copies and second ones."""
    (one, other), (valid_one, valid_other) = log_z.chunk(2), valid.chunk(2)
    seen, known = shared.of(torch.stack([one, valid_one.float()], 1), "bilinear").unbind(1)
    apart, _, count = _leveled(seen - other, (known > 0.999) & valid_other)
    return (apart.abs().sum((1, 2)) / count).mean()


def _leveled(difference: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The difference minus its mean over the valid pixels of each picture, 0 elsewhere; that mean; and their number."""
    count = valid.sum((1, 2)).clamp(min=1)
    level = torch.where(valid, difference, 0.0).sum((1, 2)) / count
    return torch.where(valid, difference - level[:, None, None], 0.0), level, count


def _slope(error: Tensor, valid: Tensor, step: int) -> Tensor:
    """Mean change of the error over some pixels: surfaces keep their shape (Li and Snavely 2018)."""
    total = error.new_zeros(())
    for dim in (1, 2):
        n = error.shape[dim] - step
        change = (error.narrow(dim, step, n) - error.narrow(dim, 0, n)).abs()
        both = valid.narrow(dim, step, n) & valid.narrow(dim, 0, n)
        total = total + (change * both).sum() / both.sum().clamp(min=1)
    return total / 2


def pairs(truth: Truth, count: int) -> tuple[Tensor, Tensor]:
    """Indices of `count` pairs of points per picture, from a fixed sequence: shape (2, count), each below h * w."""
    points = truth.log_z[0].numel()
    drawn = torch.randint(points, (2, count), generator=torch.Generator().manual_seed(points))
    return drawn[0].to(truth.log_z.device), drawn[1].to(truth.log_z.device)


def _order(log_z: Tensor, truth: Truth) -> Tensor:
    """Logistic loss of the sign of the difference between two points (Chen et al. 2016), over all distances."""
    a, b = pairs(truth, PAIRS)
    found, wanted, valid = (x.flatten(1) for x in (log_z, truth.log_z, truth.valid))
    apart = wanted[:, a] - wanted[:, b]
    counts = valid[:, a] & valid[:, b] & (apart.abs() > APART)
    wrong = F.softplus(-apart.sign() * (found[:, a] - found[:, b]) / SOFTNESS)
    return (wrong * counts).sum() / counts.sum().clamp(min=1)


def weighted(terms: dict[str, Tensor]) -> Tensor:
    """The sum that is minimized."""
    return sum((WEIGHTS[name] * term for name, term in terms.items()), start=torch.zeros(()))
