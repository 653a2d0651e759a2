"""Filling by a model that is right, by one that is wrong, and the sky."""

import torch

from vistadream.backends.multi_depth.filling import FILLED, filled
from vistadream.core import DepthPrediction

HOLE = (slice(20, 40), slice(30, 60))


def measured_with_a_hole(plane) -> DepthPrediction:
    view, z = plane.views[0], plane.depths[0].clone()
    valid = torch.ones_like(view.lift)
    valid[HOLE] = False
    z[HOLE] = 99
    return DepthPrediction(z, valid, view.camera, is_metric=False, confidence=0.7 * valid)


def model(z, sky=None):
    return lambda views: [DepthPrediction(z, torch.ones_like(views[0].lift), views[0].camera, True, sky=sky)]


def test_a_hole_gets_the_depth_of_the_model_at_the_scale_around(textured_plane):
    plane = textured_plane((0.5, 0.2), count=1)
    truth = plane.depths[0]
    prediction = filled(measured_with_a_hole(plane), plane.views[0], model(0.3 * truth), 0.08)
    assert prediction.valid.all()
    assert torch.allclose(prediction.z, truth, rtol=1e-3)
    assert (prediction.confidence[HOLE] == FILLED).all()
    assert not prediction.is_metric


def test_measured_pixels_keep_their_depth_and_confidence(textured_plane):
    plane = textured_plane((0.5, 0.2), count=1)
    before = measured_with_a_hole(plane)
    after = filled(before, plane.views[0], model(0.31 * plane.depths[0] ** 1.05), 0.08)
    assert torch.equal(after.z[before.valid], before.z[before.valid])
    assert torch.equal(after.confidence[before.valid], before.confidence[before.valid])


def test_a_model_that_does_not_fit_fills_nothing(textured_plane):
    plane = textured_plane((0.5, 0.2), count=1)
    wild = 1 + torch.rand(72, 96) * 3
    assert not filled(measured_with_a_hole(plane), plane.views[0], model(wild), 0.08).valid[HOLE].any()


def test_sky_and_masked_pixels_are_never_valid(textured_plane):
    plane = textured_plane(count=1)
    sky = torch.zeros(72, 96, dtype=torch.bool)
    sky[:30] = True
    plane.views[0].lift[:, 50:] = False
    prediction = filled(measured_with_a_hole(plane), plane.views[0], model(plane.depths[0], sky), 0.08)
    assert not prediction.valid[:30].any()
    assert torch.equal(prediction.sky, sky)
    assert prediction.valid[30:40, 30:50].all()
    assert not prediction.valid[30:40, 50:60].any()
