"""The nearest known pixel, against a search through all of them."""

import numpy as np
import pytest

from vistadream.ops.holes.nearest import nearest_known


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_no_known_pixel_is_clearly_nearer(share):
    known = np.random.default_rng(0).random((24, 31)) < share
    known[5, 7] = True
    found = nearest_known(known)
    places = np.argwhere(known)
    pixels = np.argwhere(np.ones_like(known)).reshape(*known.shape, 2)
    least = np.linalg.norm(pixels[..., None, :] - places, axis=-1).min(-1)
    assert (np.linalg.norm(pixels - found, axis=-1) <= 1.05 * least).all()
    assert known[found[..., 0], found[..., 1]].all()


def test_known_pixels_are_their_own():
    known = np.random.default_rng(1).random((10, 12)) < 0.4
    assert np.array_equal(nearest_known(known)[known], np.argwhere(known))
