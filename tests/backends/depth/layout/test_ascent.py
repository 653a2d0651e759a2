"""The search for the top of an oblique hill."""

import numpy as np

from vistadream.backends.depth.layout.ascent import ascend


def test_ascent_climbs_an_oblique_hill_and_never_falls():
    top = np.array([0.7, -0.4])

    def score(x: np.ndarray) -> float:
        d = x - top
        return float(-(d[0] ** 2 + d[1] ** 2 + d[0] * d[1]))

    found = ascend(np.zeros(2), 0.3 * np.eye(2), score)
    assert np.allclose(found, top, atol=0.05)
    assert np.array_equal(ascend(top, 0.3 * np.eye(2), score), top)
