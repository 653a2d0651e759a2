"""Regions of a picture painted by hand."""

import numpy as np

from vistadream.backends.depth.layout.regions import find_regions, region_colors, similar

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
    same = similar(colors, np.arange(len(colors)) == regions[10, 150])
    assert colors[regions[100, 10], 1] > 30
    assert same[regions[10, 150]]
    assert not same[[regions[100, 10], regions[40, 50]]].any()
