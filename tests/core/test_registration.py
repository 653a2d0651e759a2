"""Points of several photos: which of them a View sees, and what is refused."""

from dataclasses import replace

import pytest
import torch

from vistadream.core import SparsePoints

POINTS = SparsePoints(
    xyz=torch.randn(3, 3),
    rgb=torch.rand(3, 3),
    error_px=torch.rand(3),
    views=("a", "b"),
    point_of=torch.tensor([0, 1, 2, 1]),
    view_of=torch.tensor([0, 0, 1, 1]),
    px=torch.rand(4, 2),
)


def test_a_view_sees_the_points_that_it_observes():
    points, px = POINTS.seen_by("b")
    assert points.tolist() == [2, 1]
    assert torch.equal(px, POINTS.px[2:])
    assert len(POINTS.seen_by("unknown")[0]) == len(SparsePoints.empty()) == 0


@pytest.mark.parametrize("field", ["point_of", "view_of"])
def test_an_observation_of_nothing_is_refused(field):
    with pytest.raises(ValueError, match=field):
        replace(POINTS, **{field: torch.tensor([0, 1, 3, 1])})
