"""Costs: those of a direct correlation of windows, and the best share of the neighbors."""

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
    cost = matching_costs(reference, [source], np.array([0.5], np.float32), RADIUS, 1.0, 1)[..., 0]
    for y, x in [(10, 20), (40, 50), (30, 91)]:
        window = np.s_[y - RADIUS : y + RADIUS + 1, x - RADIUS : x + RADIUS + 1]
        assert abs(cost[y, x] - (1 - zncc(reference.gray[window], source.gray[window]))) < 1e-4


def test_the_best_share_of_the_neighbors_counts(reference):
    same, inverted = still(reference.gray, reference.camera), still(1 - reference.gray, reference.camera)
    plane = np.array([0.5], np.float32)
    half = matching_costs(reference, [inverted, same], plane, RADIUS, 0.5, 1)[20:40, 20:40]
    both = matching_costs(reference, [inverted, same], plane, RADIUS, 1.0, 1)[20:40, 20:40]
    assert half.max() < 0.05
    assert np.abs(both - 1).max() < 0.05


def test_a_source_that_does_not_see_the_pixel_has_no_say(reference):
    same = still(reference.gray, reference.camera)
    blind = still(reference.gray, reference.camera.crop(30, 0, reference.camera.width, reference.camera.height))
    plane = np.array([0.5], np.float32)
    assert matching_costs(reference, [same, blind], plane, RADIUS, 1.0, 1)[20:40, 10:20].max() < 0.05
    assert (matching_costs(reference, [blind], plane, RADIUS, 1.0, 1)[20:40, 10:20] == UNSEEN).all()
