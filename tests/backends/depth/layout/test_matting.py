"""Outlines that follow the edges of a picture."""

import numpy as np

from vistadream.backends.depth.layout.matting import follow_edges

H, W = 120, 160


ROWS, COLUMNS = np.mgrid[:H, :W]


def test_a_coarse_outline_moves_to_the_edge_of_the_picture():
    truth = (ROWS - 60) ** 2 + (COLUMNS - 80) ** 2 < 1600
    coarse = ((ROWS - 60) ** 2 + (COLUMNS - 80) ** 2 < 1444)[::2, ::2]
    guide = np.where(truth, 0.8, 0.3)
    assert (follow_edges(coarse, guide, radius=0.03) == truth).mean() > 0.99
