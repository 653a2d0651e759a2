"""Eight lanes at once against numpy."""

import numpy as np
import pytest

from vistadream.backends.render.cpu.simd import count, exp2, load, ramp, select, splat, store, total
from vistadream.ops.numerics.jit import kernel

A = np.array([0.5, -1, 2, -3, 4, -5, 6, 7], np.float32)
B = np.array([1, 1, 2, -4, 3, 0.25, 6, 8], np.float32)


@kernel()
def power(values, out):
    for i in range(0, len(values), 8):
        store(out, i, exp2(load(values, i)))


@kernel()
def arithmetic(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, (x + 2.0) * y - x / y)
    store(out, 8, select((x > y) & (x <= 6.0), x, 0.5))
    store(out, 16, ramp() + splat(a[1]))
    x += y
    return total(x), count(x >= y), count(x < y)


def test_exp2_is_exact_to_float32_and_never_vanishes():
    values = np.linspace(-126, 100, 80_000).astype(np.float32)
    out = np.empty_like(values)
    power(values, out)
    assert np.abs(out / 2.0 ** values.astype(np.float64) - 1).max() < 3e-7
    power(np.full(8, -1e30, np.float32), out[:8])
    assert out[:8] == pytest.approx(2.0**-126, rel=3e-7)


def test_arithmetic_equals_numpy():
    out = np.empty(24, np.float32)
    sums, at_least, less = arithmetic(A, B, out)
    assert out[:8] == pytest.approx((A + 2) * B - A / B, rel=1e-6)
    assert (out[8:16] == np.where((A > B) & (A <= 6), A, 0.5)).all()
    assert (out[16:] == np.arange(8) - 1).all()
    assert sums == pytest.approx((A + B).sum())
    assert (at_least, less) == ((A >= 0).sum(), (A < 0).sum())


def test_a_vector_may_lie_anywhere_in_an_array():
    values, out = np.arange(16, dtype=np.float32), np.zeros(16, np.float32)

    @kernel()
    def shift(values, out):
        store(out, 3, load(values, 5))

    shift(values, out)
    assert out.tolist() == [0, 0, 0, *range(5, 13), 0, 0, 0, 0, 0]
