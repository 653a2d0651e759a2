"""One photo after the other, at the scale of the points."""

from dataclasses import replace

import torch

from vistadream.backends.multi_depth.single import MIN_POINTS, SingleViewDepth
from vistadream.core import DepthPrediction


class Distorted:
    """A depth model that answers scale * z + shift of the truth."""

    def __init__(self, plane, scale: float, shift: float):
        self._truth = dict(zip((view.name for view in plane.views), plane.depths, strict=True))
        self._scale, self._shift = scale, shift

    def __call__(self, views):
        return [
            DepthPrediction(
                self._scale * self._truth[v.name] + self._shift, torch.ones_like(v.lift), v.camera, is_metric=True
            )
            for v in views
        ]


def test_the_scale_is_that_of_the_points(textured_plane):
    plane = textured_plane((0.5, 0.2))
    scene = plane.scene(points=60)
    for prediction, z in zip(SingleViewDepth(Distorted(plane, 0.4, 0.0))(scene), plane.depths, strict=True):
        assert torch.allclose(prediction.z, z, rtol=0.01)
        assert not prediction.is_metric


def test_a_few_points_fix_no_shift_and_many_do(textured_plane):
    plane = textured_plane((1.4, 0.0))
    model = SingleViewDepth(Distorted(plane, 0.5, 0.6))
    few = model(plane.scene(points=MIN_POINTS - 1))[0]
    many = model(plane.scene(points=4 * MIN_POINTS))[0]
    assert torch.allclose(many.z, plane.depths[0], rtol=0.01)
    assert ((few.z - plane.depths[0]).abs() / plane.depths[0]).max() > 0.1


def test_inexact_points_fix_no_shift(textured_plane):
    plane = textured_plane((1.4, 0.0))
    scene = plane.scene(points=4 * MIN_POINTS)
    blurred = replace(scene.points, error_px=scene.points.error_px + 2)
    z = SingleViewDepth(Distorted(plane, 0.5, 0.6))(replace(scene, points=blurred))[0].z
    assert ((z - plane.depths[0]).abs() / plane.depths[0]).max() > 0.1


def test_a_photo_without_points_gets_the_usual_scale(textured_plane):
    plane = textured_plane(count=3)
    scene = plane.scene()
    keep = scene.points.view_of != 2
    points = replace(scene.points, **{n: getattr(scene.points, n)[keep] for n in ("point_of", "view_of", "px")})
    predictions = SingleViewDepth(Distorted(plane, 0.25, 0.0))(replace(scene, points=points))
    assert torch.allclose(predictions[2].z, plane.depths[2], rtol=0.01)


def test_masked_pixels_are_not_valid(textured_plane):
    plane = textured_plane(count=2)
    plane.views[0].lift[:10] = False
    predictions = SingleViewDepth(Distorted(plane, 0.25, 0.0))(plane.scene())
    assert not predictions[0].valid[:10].any()
    assert predictions[0].valid[10:].all()
