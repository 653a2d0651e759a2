"""Depth of all photos in one call of Depth Anything 3, from its package with a tiny random network."""

from dataclasses import replace

import pytest
import torch

from vistadream.config import compose
from vistadream.core import Scene, SparsePoints

WIDTH = 98


@pytest.fixture
def depth(tiny_depth_anything, tmp_path):
    folder = tiny_depth_anything.write(tiny_depth_anything.wide_awake().state_dict(), tmp_path)
    knobs = {"path": folder, "device": "cpu", "resolution_px": WIDTH, "min_confidence": 0}
    words = [f"backends.multi_depth.network.{knob}={value}" for knob, value in knobs.items()]
    return compose(["backends/multi_depth=depth_anything", *words], job="multi_img").build("backends.multi_depth")


@pytest.fixture
def scene(textured_plane) -> Scene:
    return textured_plane((0.4, 0.1)).scene()


def larger(scene: Scene, factor: float) -> Scene:
    """The same scene in a smaller unit."""
    views = []
    for view in scene.views:
        pose = view.camera.cam_from_world.clone()
        pose[:3, 3] *= factor
        views.append(replace(view, camera=view.camera.at(pose)))
    return Scene(tuple(views), points=scene.points and replace(scene.points, xyz=factor * scene.points.xyz))


def at_points(scene: Scene, number: int, z: torch.Tensor) -> torch.Tensor:
    """The depth of a photo over that of the points that it sees."""
    view = scene.photos[number]
    index, px = scene.points.seen_by(view.name)
    column, row = px.long().unbind(1)
    return z[row, column] / view.camera.project(scene.points.xyz[index])[1]


def test_each_photo_has_the_scale_of_its_points_and_its_own_camera(depth, scene):
    found = depth(scene)
    for i, (prediction, view) in enumerate(zip(found, scene.photos, strict=True)):
        assert float(at_points(scene, i, prediction.z).median()) == pytest.approx(1, rel=0.01)
        assert prediction.camera is view.camera
        assert prediction.valid.all()
        assert prediction.confidence is not None
        assert not prediction.is_metric


@pytest.mark.parametrize("points", [True, False])
def test_the_depth_has_the_unit_of_the_scene(depth, scene, points):
    """By its points, and without any by its cameras."""
    one = scene if points else replace(scene, points=None)
    for prediction, larger_one in zip(depth(one), depth(larger(one, 3.0)), strict=True):
        torch.testing.assert_close(larger_one.z, 3 * prediction.z, rtol=1e-3, atol=0)


def test_photos_are_read_together(depth, scene):
    blank = replace(scene.views[1], rgb=0 * scene.views[1].rgb)
    changed = depth(replace(scene.with_views(blank), points=SparsePoints.empty()))
    assert not torch.allclose(changed[0].z, depth(replace(scene, points=None))[0].z, rtol=1e-3)


def test_masked_pixels_are_never_valid(depth, scene):
    lift = scene.views[0].lift.clone()
    lift[:20] = False
    found = depth(scene.with_views(replace(scene.views[0], lift=lift)))
    assert not found[0].valid[:20].any()
    assert found[0].valid[20:].all()
