"""Laws of resampled depth."""

import math

import pytest
import torch

from vistadream.ops.depth.resample import resample_depth

W, H = 64, 48


@pytest.mark.parametrize("scale", [0.4, 0.75, 1.6, 3.0])
def test_resampling_invents_no_depth_between_surfaces_sky_and_the_unknown(scale):
    z = torch.full((H, W), 1.0)
    z[:, W // 2 :] = 2.0
    z[:5] = 0.0
    z[3:12, ::7] = torch.inf
    out = resample_depth((0, 0, W, H), z, int(W * scale), int(H * scale))
    assert set(out.numpy().round(5).ravel().tolist()) == {0.0, 1.0, 2.0, math.inf}
