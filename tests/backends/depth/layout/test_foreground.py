"""What stands in the foreground of a picture painted by hand."""

import numpy as np

from vistadream.backends.depth.layout.foreground import find_foreground, stand

H, W = 120, 160


ROWS, COLUMNS = np.mgrid[:H, :W]


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
