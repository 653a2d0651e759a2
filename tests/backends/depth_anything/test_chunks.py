"""Chunks of Views: every View is in one, neighbors share OVERLAP, and their worlds become one again."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from vistadream.backends.depth_anything.chunks import OVERLAP, chunks_of, joined
from vistadream.core import DepthPrediction, UserError
from vistadream.ops.views.similarity import Similarity


@pytest.mark.parametrize("count", [1, 8, 9, 20, 33])
@pytest.mark.parametrize("most", [9, 12, 20, 32])
def test_chunks_cover_all_views_and_share_some_with_the_next(count, most):
    chunks = chunks_of(count, most)
    assert sorted({i for chunk in chunks for i in chunk}) == list(range(count))
    assert max(map(len, chunks)) <= most
    for one, other in pairwise(chunks):
        assert list(one)[-OVERLAP:] == list(other)[:OVERLAP]
        assert len(other) > OVERLAP


def chunk(plane, numbers: list[int], move: Similarity) -> list[DepthPrediction]:
    """Perfect predictions of photos of a plane, in a world of their own."""
    found = []
    for i in numbers:
        view, z = plane.views[i], plane.depths[i]
        valid = torch.ones_like(z, dtype=torch.bool)
        found.append(DepthPrediction(move.scale * z, valid, move.camera(view.camera), is_metric=False))
    return found


HERE = Similarity(1.0, torch.eye(3), torch.zeros(3))
THERE = Similarity(0.3, torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), torch.tensor([1.0, 2.0, 5]))
ORDER = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 2]  # the fixture has five photos: some are seen again


def test_chunks_with_worlds_of_their_own_become_one(textured_plane):
    """Also when a third of the depth in the shared photos is wrong."""
    plane = textured_plane((0.6, 0.2))
    first, second = chunk(plane, ORDER[:9], HERE), chunk(plane, ORDER[1:], THERE)
    for i in range(OVERLAP):
        spoilt = second[i].z.clone()
        spoilt[:, : spoilt.shape[1] // 3] *= 3
        second[i] = replace(second[i], z=spoilt)
    whole = joined([first, second], seed=0)
    assert len(whole) == len(ORDER)
    for i, found in zip(ORDER, whole, strict=True):
        torch.testing.assert_close(found.z, plane.depths[i], rtol=1e-3, atol=0)
        torch.testing.assert_close(found.camera.cam_from_world, plane.views[i].camera.cam_from_world, atol=1e-3, rtol=0)


def test_chunks_without_sure_depth_cannot_be_joined(textured_plane):
    plane = textured_plane()
    first, second = chunk(plane, ORDER[:9], HERE), chunk(plane, ORDER[1:], THERE)
    blind = [replace(each, valid=torch.zeros_like(each.valid)) for each in second]
    with pytest.raises(UserError, match=r"too little sure depth.*raise max_views"):
        joined([first, blind], seed=0)
