"""Regions, sky, foreground and their outlines, on pictures painted by hand."""

import numpy as np
import pytest

from vistadream.backends.depth.layout.ascent import ascend
from vistadream.backends.depth.layout.foreground import find_foreground, stand
from vistadream.backends.depth.layout.matting import follow_edges
from vistadream.backends.depth.layout.regions import alike, find_regions, region_colors
from vistadream.backends.depth.layout.sky import find_sky

H, W = 120, 160
ROWS, COLUMNS = np.mgrid[:H, :W]


def test_regions_follow_colours_and_have_no_crumbs():
    rgb = np.full((H, W, 3), 90, np.uint8)
    rgb[ROWS > 70] = (200, 60, 40)
    rgb[(ROWS - 40) ** 2 + (COLUMNS - 50) ** 2 < 400] = (30, 60, 200)
    rgb[5, 5] = 255
    rgb = np.clip(rgb + np.random.default_rng(0).normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)
    regions = find_regions(rgb)
    sizes = np.bincount(regions.ravel())
    assert sizes.min() >= 0.002 * H * W
    assert np.sort(sizes)[-3:].sum() > 0.9 * H * W
    assert len(np.unique(regions[80:, :])) == 1
    assert len({regions[100, 10], regions[40, 50], regions[10, 150]}) == 3
    assert regions[5, 5] == regions[10, 150]
    colors = region_colors(rgb, regions)
    same = alike(colors, np.arange(len(colors)) == regions[10, 150])
    assert colors[regions[100, 10], 1] > 30
    assert same[regions[10, 150]]
    assert not same[[regions[100, 10], regions[40, 50]]].any()


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


def test_a_thing_cut_by_the_lower_border_is_foreground_but_the_floor_is_not():
    regions = np.where(ROWS < 50, 0, 1)
    regions[(ROWS > 80) & (COLUMNS > 60) & (COLUMNS < 100)] = 2
    regions[(ROWS > 90) & (ROWS < 100) & (COLUMNS > 70) & (COLUMNS < 80)] = 3
    surfaces = np.where(ROWS < 50, 4, 0)
    (thing,) = find_foreground(regions, surfaces, ROWS > 30)
    assert (thing == (regions >= 2)).mean() > 0.99
    assert find_foreground(np.where(regions >= 2, 1, regions), surfaces, ROWS > 30) == []


def test_a_thing_stands_before_what_it_covers_and_nearer_when_it_is_taller():
    floor_z = 60.0 / np.maximum(ROWS - 30, 1)
    low, tall = ((top < ROWS) & (COLUMNS > 60) & (COLUMNS < 100) for top in (110, 60))
    assert stand(floor_z, floor_z, low) <= floor_z[low].min() + 1e-9
    assert stand(floor_z, floor_z, tall) <= floor_z[tall].min() + 1e-9
    assert stand(floor_z, floor_z, tall) < 0.65 * floor_z[61, 80]


def test_a_coarse_outline_moves_to_the_edge_of_the_picture():
    truth = (ROWS - 60) ** 2 + (COLUMNS - 80) ** 2 < 1600
    coarse = ((ROWS - 60) ** 2 + (COLUMNS - 80) ** 2 < 1444)[::2, ::2]
    guide = np.where(truth, 0.8, 0.3)
    assert (follow_edges(coarse, guide, radius=0.03) == truth).mean() > 0.99


def test_ascent_climbs_an_oblique_hill_and_never_falls():
    top = np.array([0.7, -0.4])

    def score(x: np.ndarray) -> float:
        d = x - top
        return float(-(d[0] ** 2 + d[1] ** 2 + d[0] * d[1]))

    found = ascend(np.zeros(2), 0.3 * np.eye(2), score)
    assert np.allclose(found, top, atol=0.05)
    assert np.array_equal(ascend(top, 0.3 * np.eye(2), score), top)
