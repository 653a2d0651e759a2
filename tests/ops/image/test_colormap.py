"""Laws of the depth colours."""

import numpy as np
import torch

from vistadream.ops.image.colormap import depth_colors, depth_range


def test_depth_colours_run_from_red_to_blue_and_saturate() -> None:
    z = torch.tensor([[0.5, 1.0, 1.6, 4.0, 9.0]])
    colors = depth_colors(z, torch.ones(1, 5, dtype=torch.bool), near=1.0, far=4.0)[0].astype(int)
    assert (colors[0] == colors[1]).all()
    assert (colors[3] == colors[4]).all()
    assert colors[1:4].argmax(axis=1).tolist() == [0, 1, 2]


def test_what_is_not_valid_is_grey_whatever_its_number() -> None:
    z = torch.tensor([[torch.nan, torch.inf, 0.0, -1.0]])
    colors = depth_colors(z, torch.zeros(1, 4, dtype=torch.bool), near=1.0, far=4.0)
    assert (np.ptp(colors, axis=2) == 0).all()
    assert len(np.unique(colors)) == 1


def test_depth_range_leaves_out_what_is_not_valid_and_the_outermost_hundredth() -> None:
    z = torch.linspace(1, 2, 1000).reshape(10, 100)
    z[0, 0], z[0, 1] = 1e-6, torch.nan
    valid = torch.isfinite(z)
    near, far = depth_range(z, valid)
    assert 1 < near < 1.02
    assert 1.98 < far < 2
    assert depth_range(z, torch.zeros_like(valid)) == (1, 2)
