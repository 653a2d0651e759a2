"""The sources of the embedded depth: each a map of the picture's size."""

import math

import pytest
import torch

from vistadream.backends.depth.sources import NEAREST, position_prior, read_sources
from vistadream.core import Camera


@pytest.mark.parametrize(("height", "width"), [(200, 30), (7, 400), (1, 1)])
def test_the_position_prior_falls_from_top_to_bottom_and_is_the_same_across(height, width):
    log_z = position_prior(height, width)
    assert log_z.shape == (height, width)
    assert (log_z.diff(dim=0) < 0).all()
    assert torch.equal(log_z, log_z[:, :1].expand(-1, width))
    assert math.log(NEAREST) <= float(log_z.min())
    assert float(log_z.max()) <= 0


def test_the_position_prior_has_one_depth_at_the_borders_at_any_size():
    fine, coarse = position_prior(400, 2).exp(), position_prior(8, 2).exp()
    assert torch.allclose(fine.reshape(8, 50, 2).mean(1), coarse, atol=1e-5), "z falls by equal steps"
    assert float(fine[0, 0]) == pytest.approx(1, abs=0.01)
    assert float(fine[-1, 0]) == pytest.approx(NEAREST, abs=0.01)


@pytest.mark.parametrize(("width", "height", "focal_known"), [(61, 37, True), (40, 90, False)])
def test_all_sources_have_the_size_of_the_picture_and_keep_their_units(width, height, focal_known):
    camera = Camera.from_fov(60, width, height)
    found = read_sources(torch.rand(height, width, 3), camera, focal_known)
    for name in ("network", "network_error", "position", "layout", "sky"):
        values = getattr(found, name)
        assert values.shape == (height, width), name
        assert values.dtype == torch.float32, name
        assert values.isfinite().all(), name
    assert (found.network_error > 0).all()
    assert (found.sky >= 0).all()
    assert (found.sky <= 1).all()
    assert 0 <= found.layout_trust <= 1
    assert torch.equal(found.position, position_prior(height, width))
    assert (found.camera.width, found.camera.height) == (width, height)
    assert found.camera is camera or not focal_known
