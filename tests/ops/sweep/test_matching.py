"""Costs: those of a direct correlation of windows, averaged over sources and windows."""

import numpy as np
import pytest

from vistadream.ops.sweep.eye import Eye, eye_of
from vistadream.ops.sweep.matching import NOISE, UNSEEN, matching_costs

RADIUS = 2


def still(gray: np.ndarray, camera) -> Eye:
    """An Eye at the place of the reference, so that every plane shows it as it is."""
    return Eye(gray.astype(np.float32), np.ones(gray.shape, bool), camera)


def zncc(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).mean() / np.sqrt((a.var() + NOISE) * (b.var() + NOISE)))


@pytest.fixture
def reference(textured_plane):
    return eye_of(textured_plane(count=1).views[0], 400)


def test_the_cost_is_one_minus_the_correlation_of_the_windows(reference):
    draw = np.random.default_rng(2)
    source = still(reference.gray + 0.1 * draw.standard_normal(reference.gray.shape), reference.camera)
    cost = matching_costs(reference, [source], np.array([0.5], np.float32), [RADIUS], 1)[..., 0]
    for y, x in [(10, 20), (40, 50), (30, 91)]:
        window = np.s_[y - RADIUS : y + RADIUS + 1, x - RADIUS : x + RADIUS + 1]
        assert abs(cost[y, x] - (1 - zncc(reference.gray[window], source.gray[window]))) < 1e-4


def test_the_sources_count_alike(reference):
    same, inverted = still(reference.gray, reference.camera), still(1 - reference.gray, reference.camera)
    plane = np.array([0.5], np.float32)
    costs = [
        matching_costs(reference, s, plane, [RADIUS], 1)[20:40, 20:40] for s in ([same], [inverted], [same, inverted])
    ]
    assert np.allclose(costs[2], (costs[0] + costs[1]) / 2, atol=1e-5)
    assert costs[0].mean() < 0.05
    assert costs[1].mean() > 1.9


def test_the_windows_count_alike(reference, textured_plane):
    other = eye_of(textured_plane(count=2).views[1], 400)
    plane = np.array([0.3], np.float32)
    small, large, both = (matching_costs(reference, [other], plane, radii, 1) for radii in ([1], [3], [1, 3]))
    seen = (small != UNSEEN) & (large != UNSEEN)
    assert np.allclose(both[seen], (small[seen] + large[seen]) / 2, atol=1e-5)
    assert seen.mean() > 0.5


def test_a_source_that_does_not_see_the_pixel_has_no_say(reference):
    same = still(reference.gray, reference.camera)
    blind = still(reference.gray, reference.camera.crop(30, 0, reference.camera.width, reference.camera.height))
    plane = np.array([0.5], np.float32)
    assert matching_costs(reference, [same, blind], plane, [RADIUS], 1)[20:40, 10:20].max() < 0.1
    assert (matching_costs(reference, [blind], plane, [RADIUS], 1)[20:40, 10:20] == UNSEEN).all()
