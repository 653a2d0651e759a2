"""Which pixels become points."""

from dataclasses import replace

import pytest
import torch

from vistadream.core import Camera, View
from vistadream.ops.views.point_cloud import point_cloud

CAMERA = Camera.from_focal(10.0, 10, 10)


def view(name: str = "photo", **others) -> View:
    """A wall at z = 2 whose red is the row and whose green is the column, in tenths."""
    seen = torch.ones(10, 10, dtype=torch.bool)
    row, column = torch.meshgrid(torch.arange(10) / 10, torch.arange(10) / 10, indexing="ij")
    known = View(name, CAMERA, torch.stack([row, column, 0 * row], -1), torch.full((10, 10), 2.0), seen, seen, ~seen)
    return replace(known, **others)


def rows(cloud) -> list[int]:
    return sorted((cloud.rgb[:, 0] * 10).round().int().tolist())


@pytest.mark.parametrize("odd", [0.0, -1.0, torch.nan, torch.inf])
def test_only_pixels_that_are_trusted_become_points(odd: float) -> None:
    z = torch.full((10, 10), 2.0)
    z[0] = odd
    row = torch.arange(10)[:, None].expand(10, 10)
    cloud = point_cloud([view(z=z, supervise=row != 1, generated=row == 2)], 40, 1000)
    assert rows(cloud) == sorted([*range(3, 10)] * 10)
    assert set(cloud.xyz[:, 2].tolist()) == {2.0}


def test_points_lie_where_the_camera_sees_them() -> None:
    pose = torch.eye(4)
    pose[:3, 3] = torch.tensor([0.1, 0.2, 0.3])
    moved = replace(CAMERA, cam_from_world=pose)
    cloud = point_cloud([view(camera=moved)], 40, 1000)
    px, z = moved.project(cloud.xyz)
    torch.testing.assert_close(px, cloud.rgb[:, [1, 0]] * 10 + 0.5)
    torch.testing.assert_close(z, torch.full((100,), 2.0))


def test_normals_of_a_wall_face_the_camera_that_sees_it() -> None:
    """The camera is turned by a quarter about the vertical axis: the wall lies across the x axis of the world."""
    pose = torch.tensor([[0.0, 0, -1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    moved = replace(CAMERA, cam_from_world=pose)
    alone = torch.full((10, 10), torch.nan)
    alone[:5], alone[8, 8] = 2.0, 2.0
    cloud = point_cloud([view(camera=moved, z=alone)], 40, 1000, with_normals=True)
    assert rows(cloud) == sorted([*range(5)] * 10), "a pixel alone has no normal"
    torch.testing.assert_close(cloud.xyz[:, 0], torch.full((50,), 2.0))
    torch.testing.assert_close(cloud.normals, torch.tensor([-1.0, 0, 0]).expand(50, 3))
    few = point_cloud([view(camera=moved)], 40, 30, with_normals=True)
    assert few.normals.shape == few.xyz.shape == (30, 3)
    assert point_cloud([view()], 40, 1000).normals is None


def test_the_percentile_is_that_of_all_views_together() -> None:
    """One view has the confidences 0 to 0.49, the other 0.5 to 0.99; a third without any loses nothing."""
    ramp = torch.arange(100).reshape(10, 10) / 200
    views = [view("low", confidence=ramp), view("high", confidence=ramp + 0.5), view("bare")]
    assert len(point_cloud(views[:2], 75, 1000)) == pytest.approx(50, abs=1)
    assert len(point_cloud(views, 75, 1000)) == pytest.approx(150, abs=1)
    assert len(point_cloud(views[:1], 0, 1000)) == 100


def test_pixels_of_equal_confidence_are_all_kept() -> None:
    assert len(point_cloud([view(confidence=torch.full((10, 10), 0.3))], 99, 1000)) == 100


def test_of_many_pixels_the_same_ones_are_taken_in_their_order() -> None:
    few, again = (point_cloud([view()], 40, 30) for _ in range(2))
    assert len(few) == 30
    assert torch.equal(few.xyz, again.xyz)
    place = (few.rgb[:, 0] * 100 + few.rgb[:, 1] * 10).round().int().tolist()
    assert place == sorted(set(place))
    assert len(set(rows(few))) > 6, "from all over the picture"


def test_without_depth_there_are_no_points() -> None:
    assert len(point_cloud([view(z=None)], 40, 1000)) == 0
    assert len(point_cloud([], 40, 1000)) == 0
