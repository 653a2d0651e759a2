"""The membrane against closed forms and a dense linear solve."""

import numpy as np

from vistadream.ops.holes.poisson import poisson_fill

H, W = 33, 46
Y, X = np.mgrid[:H, :W].astype(float)


def test_a_harmonic_function_is_recovered_from_its_rim() -> None:
    harmonic = (X - 20) ** 2 - (Y - 10) ** 2
    known = np.ones((H, W), bool)
    known[6:26, 8:38] = False
    solved = poisson_fill(harmonic[..., None], known)[..., 0]
    assert np.abs(solved - harmonic).max() < 1e-2 * np.ptp(harmonic)


def test_a_slope_is_followed_to_a_free_border() -> None:
    plane = 3 + 0.5 * X - 0.25 * Y
    known = X < 12
    slope = np.broadcast_to(np.array([0.5, -0.25]), (H, W, 1, 2))
    solved = poisson_fill(np.where(known, plane, 0)[..., None], known, slope)[..., 0]
    assert np.abs(solved - plane).max() < 0.01 * np.ptp(plane)


def test_matches_a_dense_solve_with_decay_and_outside() -> None:
    rng = np.random.default_rng(0)
    h, w, screen = 9, 11, 1 / 5.0**2
    values, known = rng.normal(size=(h, w, 1)), rng.random((h, w)) < 0.2
    outside = (rng.random((h, w)) < 0.15) & ~known
    unknown = ~known & ~outside
    index = -np.ones((h, w), int)
    index[unknown] = np.arange(unknown.sum())
    system, right = np.eye(unknown.sum()) * screen, np.zeros(unknown.sum())
    for y, x in np.argwhere(unknown):
        i = index[y, x]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < h and 0 <= u < w and not outside[v, u]:
                system[i, i] += 1
                if known[v, u]:
                    right[i] += values[v, u, 0]
                else:
                    system[i, index[v, u]] -= 1
    solved = poisson_fill(values, known, decay_px=5.0, outside=outside)[..., 0]
    assert np.allclose(solved[unknown], np.linalg.solve(system, right), atol=1e-6)
    assert np.array_equal(solved[known], values[known][:, 0])


def test_nothing_known_is_zero() -> None:
    assert not poisson_fill(np.ones((H, W, 2)), np.zeros((H, W), bool)).any()
