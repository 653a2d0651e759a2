"""Depth becomes Gaussians: gaps, sky and focal length, whatever the model says."""

import dataclasses
import math

import pytest
import torch

from vistadream.backends.splats.lift import Lift
from vistadream.config import configured
from vistadream.core import Camera, DepthPrediction, Scene, UserError, View, silent
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.gaussians.lift import Lifting
from vistadream.stages.far_side import FarSide
from vistadream.stages.initialize import Initialize

RENDERER = configured("backends/render=cpu")

H, W, PAD = 24, 32, 4
NO_FIT = Fitting(LearningRates(0.0, 0.0, 0.0, 0.0, 0.0), 0.0, 0.2, 0.5, 0.0)


def scene(focal_known: bool = True) -> Scene:
    mask = torch.ones(H, W, dtype=torch.bool)
    camera = Camera.from_focal(30.0, W, H)
    photo = View("input", camera, torch.rand(H, W, 3), None, mask, mask, ~mask, focal_known)
    ring = torch.ones(H + 2 * PAD, W + 2 * PAD, dtype=torch.bool)
    ring[PAD:-PAD, PAD:-PAD] = False
    rgb = torch.zeros(*ring.shape, 3)
    rgb[~ring] = photo.rgb.reshape(-1, 3)
    camera = camera.pad(PAD, PAD, PAD, PAD)
    canvas = View(
        "outpaint", camera, rgb, None, ring | True, ring, ring, focal_known, origin="canvas", extends=photo.name
    )
    return Scene((photo, canvas))


def wall(views, valid=None, sky=None, focal_px=None, z=2.0):
    (view,) = views
    depth = torch.full((view.camera.height, view.camera.width), z)
    valid = torch.ones_like(depth, dtype=torch.bool) if valid is None else valid
    camera = view.camera if focal_px is None else view.camera.with_focal(focal_px)
    return [DepthPrediction(torch.where(valid, depth, math.nan), valid, camera, True, None, sky)]


def paint_black(rgb, hole, prompt, seed):
    return torch.where(hole[..., None], 0, rgb)


def initialize(depth, start=None) -> Scene:
    far_side = FarSide(paint_black, lambda rgb: "", reach=0.5, widest=0.12, seed=0)
    lifting = Lifting(0.5, 0.5, 0.0)
    stage = Initialize(
        depth, Lift(), RENDERER, NO_FIT, lifting, far_side, steps=0, smoothing=0.03, sky_distance=1.5, sky_reach=0.2
    )
    return stage(start or scene(), silent)


def test_every_pixel_is_lifted_once_onto_its_surface() -> None:
    made = initialize(wall)
    assert len(made.gaussians) == (H + 2 * PAD) * (W + 2 * PAD)
    torch.testing.assert_close(made.gaussians.means[:, 2], torch.full((len(made.gaussians),), 2.0))


def test_the_photo_takes_its_window_of_the_canvas_s_depth() -> None:
    def slope(views):
        (prediction,) = wall(views)
        z = 2 + 0.01 * torch.arange(prediction.z.numel()).reshape(prediction.z.shape) / prediction.z.numel()
        return [DepthPrediction(z, prediction.valid, prediction.camera, True)]

    made = initialize(slope)
    torch.testing.assert_close(made.view("input").z, made.view("outpaint").z[PAD:-PAD, PAD:-PAD])


def test_confidence_goes_with_the_depth_and_the_shell_of_the_sky_is_sure() -> None:
    sky = torch.zeros(H + 2 * PAD, W + 2 * PAD, dtype=torch.bool)
    sky[:8] = True
    trust = torch.rand(sky.shape)

    def model(views):
        return [dataclasses.replace(wall(views, valid=~sky, sky=sky)[0], confidence=trust)]

    made = initialize(model)
    canvas = made.view("outpaint").confidence
    assert torch.equal(canvas, torch.where(sky, 1.0, trust))
    assert torch.equal(made.view("input").confidence, canvas[PAD:-PAD, PAD:-PAD])
    assert all(view.confidence is None for view in initialize(wall).views)


def test_the_model_s_focal_length_is_taken_only_where_none_is_known() -> None:
    def model(views):
        return wall(views, focal_px=None if views[0].focal_known else 41.0)

    assert initialize(model).view("input").camera.fx == 30.0
    guessed = initialize(model, scene(focal_known=False))
    assert [view.camera.fx for view in guessed.views] == [41.0, 41.0]
    assert all(view.focal_known for view in guessed.views)


def test_gaps_are_completed_and_nothing_is_lifted_at_the_camera() -> None:
    valid = torch.ones(H + 2 * PAD, W + 2 * PAD, dtype=torch.bool)
    valid[10:16, 10:20] = False
    made = initialize(lambda views: wall(views, valid=valid))
    assert bool(torch.isfinite(made.gaussians.means).all())
    torch.testing.assert_close(made.view("outpaint").z, torch.full(valid.shape, 2.0), atol=0.05, rtol=0)


def test_the_sky_is_a_far_shell_that_goes_on_behind_the_skyline() -> None:
    sky = torch.zeros(H + 2 * PAD, W + 2 * PAD, dtype=torch.bool)
    sky[:12] = True
    made = initialize(lambda views: wall(views, valid=~sky, sky=sky))
    distance = made.gaussians.means.norm(dim=-1)
    shell = distance > 2.6
    assert float(distance[shell].std()) < 1e-3
    assert int(shell.sum()) > int(sky.sum()), "more of it than is seen"


def test_pixels_that_mix_sky_and_surface_are_neither_lifted_nor_fitted() -> None:
    sky = torch.zeros(H + 2 * PAD, W + 2 * PAD, dtype=torch.bool)
    sky[:12] = True
    made = initialize(lambda views: wall(views, valid=~sky, sky=sky))
    for view, row in ((made.view("outpaint"), 11), (made.view("input"), 11 - PAD)):
        assert not bool((view.lift | view.supervise)[row].any())
        assert bool(view.supervise[row + 1].all())
        assert bool(view.supervise[row - 1].all())
    with torch.no_grad():
        alpha = RENDERER(made.gaussians, [made.view("outpaint").camera], want=("alpha",))[0].alpha
    assert float(alpha[11].min()) > 0.8, "the sky goes on there"


def test_a_model_that_sees_nothing_is_one_sentence() -> None:
    nothing = torch.zeros(H + 2 * PAD, W + 2 * PAD, dtype=torch.bool)
    with pytest.raises(UserError, match="no surface"):
        initialize(lambda views: wall(views, valid=nothing))
