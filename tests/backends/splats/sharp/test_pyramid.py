"""Patches of a picture, and the map that they make."""

import pytest
import torch

from vistadream.backends.splats.sharp.pyramid import cut, joined


@pytest.mark.parametrize(("side", "overlap", "n"), [(8, 0.25, 5), (16, 0.5, 3)])
def test_patches_are_joined_to_the_picture_that_they_were_cut_from(side, overlap, n):
    picture = torch.rand(1, 2, 32, 32)
    patches = cut(picture, side, overlap)
    assert len(patches) == n * n
    assert torch.equal(joined(patches, round(side * overlap) // 2), picture)
