"""The sky of pictures painted by hand."""

import numpy as np
import pytest

from vistadream.backends.depth.layout.sky import find_sky

H, W = 120, 160


ROWS, COLUMNS = np.mgrid[:H, :W]


def outdoor_rgb() -> np.ndarray:
    rgb = np.empty((H, W, 3), np.float32)
    rgb[:] = np.stack([0.4 + 0.3 * ROWS / H, 0.6 + 0.2 * ROWS / H, np.full((H, W), 0.9)], -1)
    rgb[(ROWS > 60) | ((COLUMNS > 100) & (ROWS > 30))] = (0.4, 0.3, 0.2)
    return rgb


def test_blue_above_the_skyline_is_sky_to_the_pixel():
    sky = find_sky(outdoor_rgb(), ROWS < 80)
    truth = ~((ROWS > 60) | ((COLUMNS > 100) & (ROWS > 30)))
    assert (sky == truth).mean() > 0.995


@pytest.mark.parametrize("color", [(0.9, 0.9, 0.88), (0.6, 0.6, 0.6), (0.1, 0.1, 0.3)])
def test_white_grey_and_dark_ceilings_are_no_sky(color):
    rgb = outdoor_rgb()
    rgb[ROWS <= 60] = color
    assert not find_sky(rgb, ROWS < 80).any()
