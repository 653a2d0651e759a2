"""Overlap by shared points: neighbors, ranges of depth, parallax."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vistadream.core import SparsePoints
from vistadream.ops.sweep.neighbors import Overlap


def test_neighbors_share_points_at_useful_angles(textured_plane):
    plane = textured_plane()
    overlap = Overlap.of(plane.views, plane.scene().points)
    assert sorted(overlap.neighbors(0, 4)) == [1, 2, 3, 4]
    assert len(overlap.neighbors(0, 2)) == 2
    assert 5 < overlap.parallax_deg() < 20


def test_the_range_of_depth_includes_the_surface(textured_plane):
    plane = textured_plane((0.5, -0.3))
    near, far = Overlap.of(plane.views, plane.scene().points).z_range(0)
    assert near < float(plane.depths[0].min())
    assert float(plane.depths[0].max()) < far < 2 * float(plane.depths[0].max())


def test_the_angle_is_that_of_the_rays(textured_plane):
    plane = textured_plane(count=2)
    overlap = Overlap.of(plane.views, plane.scene().points)
    centers = torch.stack([view.camera.center for view in plane.views])
    middle = torch.tensor([0.0, 0.0, 2.0])
    to = torch.nn.functional.normalize(middle - centers, dim=-1)
    expected = np.degrees(np.arccos(float(to[0] @ to[1])))
    assert abs(np.median(overlap.angles[0, 1]) - expected) < 0.7


def test_a_photo_apart_has_no_neighbors(textured_plane):
    plane = textured_plane(count=3)
    points = plane.scene().points
    keep = points.view_of != 2
    kept = {name: getattr(points, name)[keep] for name in ("point_of", "view_of", "px")}
    overlap = Overlap.of(plane.views, replace(points, **kept))
    assert overlap.neighbors(2, 4) == []
    assert overlap.neighbors(0, 4) == [1]


@pytest.mark.parametrize("count", [1, 3])
def test_without_points_there_is_no_parallax(textured_plane, count):
    assert Overlap.of(textured_plane(count=count).views, SparsePoints.empty()).parallax_deg() == 0
