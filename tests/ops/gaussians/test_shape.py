"""The shape guard: what it measures, and that it notices."""

from dataclasses import replace

import pytest
import torch

from vistadream.core import Gaussians
from vistadream.ops.gaussians.shape import MAX_SHRINKAGE, Shape, scale_ratios


def some(scales: torch.Tensor) -> Gaussians:
    n = len(scales)
    return Gaussians(torch.zeros(n, 3), torch.ones(n, 4), scales, torch.ones(n), torch.zeros(n, 3))


def test_a_ball_has_one_and_the_order_of_axes_and_the_unit_do_not_matter() -> None:
    scales = torch.tensor([[2.0, 2.0, 2.0], [1.0, 4.0, 2.0], [2.0, 1.0, 4.0]])
    assert scale_ratios(some(scales)).tolist() == [1, 0.25, 0.25]
    assert Shape.of(some(scales)) == Shape.of(some(1000 * scales.flip(-1)))


def test_the_median_and_the_flattest_twentieth() -> None:
    ratio = torch.linspace(0, 1, 101)[torch.randperm(101, generator=torch.Generator().manual_seed(0))]
    shape = Shape.of(some(torch.stack([ratio, torch.ones(101), torch.ones(101)], -1)))
    assert (shape.median, shape.p5) == pytest.approx((0.5, 0.05))


def test_shrinkage_is_what_the_worse_of_both_lost() -> None:
    before = some(torch.rand(500, 3, generator=torch.Generator().manual_seed(1)) + 0.1)
    thinnest = before.scales == before.scales.amin(-1, keepdim=True)
    thinner = replace(before, scales=torch.where(thinnest, 0.9 * before.scales, before.scales))
    shape = Shape.of(before)
    assert shape.shrinkage(Shape.of(thinner)) == pytest.approx(0.1, abs=1e-5)
    assert shape.shrinkage(Shape.of(thinner)) > MAX_SHRINKAGE
    assert shape.shrinkage(shape) == 0
    assert Shape.of(thinner).shrinkage(shape) < 0
    assert shape.shrinkage(replace(shape, p5=0.5 * shape.p5)) == pytest.approx(0.5)


def test_no_gaussians_have_no_shape() -> None:
    with pytest.raises(ValueError, match="no Gaussians"):
        Shape.of(Gaussians.empty())
