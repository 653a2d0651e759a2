"""Laws of the plan from above: it is true to scale, holds every camera, and has its directions right."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from vistadream.core import Scene
from vistadream.exporters.report.plan import plan


def triangles(drawing: str) -> list[np.ndarray]:
    """The corners of the mark of each camera in the order of the photos; the first corner is the camera."""
    found = re.findall(r'<polygon class="camera[^"]*" points="([^"]*)"', drawing)
    return [np.array([pair.split(",") for pair in corners.split()], float) for corners in reversed(found)]


def circles(drawing: str) -> np.ndarray:
    return np.array(re.findall(r'cx="([^"]*)" cy="([^"]*)"', drawing), float)


def test_cameras_and_points_have_their_places_at_one_scale(cube: Scene) -> None:
    drawing = plan(cube)
    tips = np.array([corners[0] for corners in triangles(drawing)])
    drawn = np.concatenate([tips, circles(drawing)])
    centers = torch.stack([photo.camera.center for photo in cube.photos])
    ground = torch.cat([centers, cube.points.xyz])[:, [0, 2]].double().numpy() * [1, -1]
    assert len(drawn) == len(ground)
    ratios = np.linalg.norm(drawn[1:] - drawn[0], axis=1) / np.linalg.norm(ground[1:] - ground[0], axis=1)
    assert np.ptp(ratios) < 0.02 * ratios.mean()
    scaled = (ground - ground[0]) * ratios.mean()
    assert np.abs(scaled - (drawn - drawn[0])).max() < 0.5, "right is right, and away is up"
    assert ((drawn >= 0) & (drawn <= 320)).all()


def test_each_mark_opens_to_where_its_camera_looks(cube: Scene) -> None:
    for corners, photo in zip(triangles(plan(cube)), cube.photos, strict=True):
        drawn = corners[1:].mean(0) - corners[0]
        forward = photo.camera.world_from_cam[[0, 2], 2].numpy() * [1, -1]
        assert drawn @ forward > 0.99 * np.linalg.norm(drawn) * np.linalg.norm(forward)


def test_only_the_first_camera_is_filled_and_it_is_on_top(cube: Scene) -> None:
    classes = re.findall(r'<polygon class="([^"]*)"', plan(cube))
    assert classes == ["camera", "camera", "camera first"]


def test_a_point_far_away_does_not_shrink_the_rest(cube: Scene) -> None:
    many = cube.points.xyz.repeat(20, 1)
    many[0] = torch.tensor([0.0, 0.0, 1e6])
    index = torch.zeros(0, dtype=torch.int64)
    points = replace(
        cube.points,
        xyz=many,
        rgb=torch.zeros_like(many),
        error_px=many[:, 0] * 0,
        point_of=index,
        view_of=index,
        px=torch.zeros(0, 2),
    )
    drawing = plan(replace(cube, points=points))
    tips = np.array([corners[0] for corners in triangles(drawing)])
    assert np.ptp(tips, axis=0).max() > 50
    assert len(circles(drawing)) == len(many) - 1


@pytest.mark.parametrize("why", ["one photo", "no points", "never registered"])
def test_there_is_no_plan_of_what_is_not_known(why: str, cube: Scene) -> None:
    points = None if why == "never registered" else cube.points
    if why == "no points":
        points = type(cube.points).empty()
    views = cube.views[:1] if why == "one photo" else cube.views
    assert plan(replace(cube, views=views, points=points)) == ""
