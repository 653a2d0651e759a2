"""Laws of the alignment of two depth maps."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.ops.depth.align import MIN_PIXELS, align_scale_shift, weighted_median


@given(st.floats(0.05, 20), st.floats(-3, 3), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_planted_affine_map_is_recovered_among_a_fifth_of_outliers(scale, shift, seed):
    rng = torch.Generator().manual_seed(seed)
    x = 1 + 4 * torch.rand(1000, generator=rng)
    y = scale * x + shift
    y[:200] += scale * (1 + 30 * torch.rand(200, generator=rng))
    found = align_scale_shift(x, y, torch.ones(1000))
    assert found.reason is None
    assert found.n_pixels == 1000
    assert found.scale == pytest.approx(scale, rel=1e-3)
    assert found.shift == pytest.approx(shift, abs=1e-3 * scale + 1e-4)
    assert torch.allclose(found.apply(x)[200:], y[200:], atol=1e-2 * scale)


def test_weightless_and_unfinite_pixels_have_no_say():
    x = torch.linspace(1, 3, 300)
    y, w = 2 * x + 1, torch.ones(300)
    y[::3], w[::3] = 99.0, 0.0
    y[1::3] = math.inf
    found = align_scale_shift(x, y, w)
    assert (found.scale, found.shift) == pytest.approx((2, 1), rel=1e-5)
    assert found.n_pixels == 100


def bent(weight: float) -> float:
    """How far the alignment misses when over half of the pixels follow another line, with that weight."""
    x = torch.linspace(1, 3, 1000)
    y, w = 2 * x + 1, torch.ones(1000)
    y[::5], y[1::5], y[2::5] = 8 - x[::5], 8 - x[1::5], 8 - x[2::5]
    w[::5], w[1::5], w[2::5] = weight, weight, weight
    return float((align_scale_shift(x, y, w).apply(x) - 2 * x - 1).abs().max())


def test_the_less_a_wrong_majority_weighs_the_less_it_moves_the_line():
    missed = [bent(weight) for weight in (1.0, 0.7, 0.4, 0.1, 0.0)]
    assert missed == sorted(missed, reverse=True)
    assert missed[0] > 0.5
    assert missed[-2] < 1e-2
    assert missed[-1] < 1e-5


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=40))
def test_a_weighted_median_is_the_median_of_values_repeated_by_their_weight(pairs):
    values, weights = torch.tensor(pairs).double().unbind(-1)
    assert weighted_median(values, weights) == values.repeat_interleave(weights.long()).median()


def test_a_falling_map_falls_back_to_the_median_ratio_and_says_why():
    x = torch.linspace(1, 3, 301)
    found = align_scale_shift(x, 8 - 2 * x, torch.ones(301))
    assert found.scale == pytest.approx(2.0)
    assert found.shift == 0
    assert "not positive" in (found.reason or "")


@pytest.mark.parametrize(("n", "scale"), [(MIN_PIXELS - 1, 3.0), (0, 1.0)])
def test_too_few_pixels_fall_back_to_the_median_ratio(n, scale):
    x = torch.linspace(1, 2, n)
    found = align_scale_shift(x, 3 * x, torch.ones(n))
    assert (found.scale, found.shift, found.n_pixels) == (pytest.approx(scale), 0, n)
    assert "fewer" in (found.reason or "")


def test_a_constant_source_falls_back_to_the_median_ratio():
    found = align_scale_shift(torch.full((100,), 2.0), torch.linspace(3.9, 4.1, 100), torch.ones(100))
    assert found.scale == pytest.approx(2.0, rel=1e-2)
    assert found.reason == "the source is constant"
