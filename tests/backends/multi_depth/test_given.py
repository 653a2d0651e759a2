"""Measured depth of the input."""

from dataclasses import replace

import pytest
import torch

from vistadream.backends.multi_depth.given import MeasuredDepth
from vistadream.core import UserError


def test_the_maps_of_the_photos_are_taken(textured_plane):
    plane = textured_plane(count=2)
    scene = plane.scene()
    z = plane.depths[0].clone()
    z[:5], z[5, 5] = 0, torch.inf
    scene.views[0].lift[-5:] = False
    first, second = MeasuredDepth()(scene.with_views(replace(scene.anchor, z=z)))
    assert torch.equal(first.z, z)
    assert not first.valid[:5].any()
    assert not first.valid[-5:].any()
    assert int(first.valid.sum()) == 62 * 96 - 1
    assert not second.valid.any()


def test_without_any_map_the_user_is_told(textured_plane):
    with pytest.raises(UserError, match=r"no photo has a depth map; wanted depth_file_path"):
        MeasuredDepth()(textured_plane(count=2).scene())
