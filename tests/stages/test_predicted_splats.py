"""Gaussians that a model predicts: their depth becomes the scene's, their sky a shell, and the fit keeps them all."""

import dataclasses

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, DepthPrediction, Gaussians, Scene, Splats, View, silent
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.gaussians.lift import Lifting, lift_view
from vistadream.stages.far_side import FarSide
from vistadream.stages.initialize import Initialize
from vistadream.stages.predicted_splats import seen_depth, without_sky

RENDERER = configured("backends/render=cpu")
H, W = 24, 32
NEAR, BEHIND = 2.0, 3.5
EVERYWHERE = torch.ones(H, W, dtype=torch.bool)
SKY = torch.zeros(H, W, dtype=torch.bool)
SKY[:10] = True


def view(focal_known: bool = True) -> View:
    rgb = torch.rand(H, W, 3, generator=torch.Generator().manual_seed(0))
    return View("input", Camera.from_focal(30.0, W, H), rgb, None, EVERYWHERE, EVERYWHERE, ~EVERYWHERE, focal_known)


def depth_model(views):
    """Another unit and another focal length than those of the Gaussians, and a sky."""
    camera = views[0].camera if views[0].focal_known else views[0].camera.with_focal(41.0)
    return [DepthPrediction(torch.full((H, W), 7.0), ~SKY, camera, False, None, SKY)]


@dataclasses.dataclass
class TwoWalls:
    """A wall, and a second one that it hides."""

    keep_sky: bool = False

    def __call__(self, seen: View, focal_px: float) -> Splats:
        camera = seen.camera.with_focal(focal_px)
        layers = [
            lift_view(dataclasses.replace(seen, camera=camera, z=torch.full((H, W), z)), 0.8, 0.1)
            for z in (NEAR, BEHIND)
        ]
        depth = DepthPrediction(torch.full((H, W), NEAR), EVERYWHERE, camera, True)
        return Splats(Gaussians.concat(*layers), depth, self.keep_sky)


def initialize(splats=None, steps: int = 0, start: View | None = None) -> Scene:
    fitting = Fitting(LearningRates(0.02, 0.01, 0.01, 0.03, 0.001), 0.0, 0.2, 0.5, 0.0)
    no_layer = FarSide(lambda *_: None, lambda _: "", reach=0.0, widest=0.1, seed=0)
    lifting = Lifting(0.65, 0.5, 0.0)
    stage = Initialize(depth_model, splats or TwoWalls(), RENDERER, fitting, lifting, no_layer, steps, 0.03, 1.5, 0.2)
    return stage(Scene((start or view(),)), silent)


def test_the_depth_and_the_unit_of_the_scene_are_those_of_the_gaussians():
    made = initialize()
    assert made.is_metric
    surface = made.view("input").depth[~SKY]
    torch.testing.assert_close(surface, torch.full_like(surface, NEAR), rtol=0.02, atol=0)
    assert made.view("input").confidence is None


def test_the_gaussians_are_made_for_the_focal_length_of_the_depth_model_where_none_is_known():
    made = initialize(start=view(focal_known=False))
    assert made.view("input").camera.fx == 41.0
    pixels, _ = made.view("input").camera.project(made.gaussians.means[:1])
    assert float(pixels[0, 1]) == pytest.approx(10.5, abs=1e-3), "the first below the sky, at the center of its pixel"


def test_the_sky_of_the_depth_model_becomes_a_shell():
    made = initialize()
    pixels, z = made.view("input").camera.project(made.gaussians.means)
    above = (pixels[:, 1] < 9) & (z > 0)
    distance = made.gaussians.means[above].norm(dim=-1)
    assert int(above.sum()) >= int(SKY[:9].sum())
    assert float(distance.min()) == pytest.approx(float(distance.max()), rel=1e-4)
    assert float(distance.min()) > BEHIND * 0.85


def test_a_sky_that_is_to_stay_stays():
    made = initialize(TwoWalls(keep_sky=True))
    assert len(made.gaussians) == 2 * H * W
    assert float(made.view("input").depth.max()) == pytest.approx(NEAR, rel=0.02)


def test_without_steps_the_prediction_is_untouched():
    predicted = without_sky(TwoWalls()(view(), 30.0).gaussians, view().camera, SKY)
    made = initialize(steps=0)
    for name, tensor in predicted.tensors():
        assert torch.equal(getattr(made.gaussians, name)[: len(predicted)], tensor), name


def test_the_fit_keeps_what_the_photo_does_not_show():
    before, after = initialize(steps=0).gaussians, initialize(steps=12).gaussians
    assert len(after) == len(before)
    hidden = (before.means[:, 2] - BEHIND).abs() < 0.05
    assert int(hidden.sum()) == int((~SKY).sum())
    assert float((after.opacities - before.opacities)[hidden].abs().max()) < 0.1
    assert float(after.opacities[hidden].min()) > 0.5


def test_what_is_outside_of_the_picture_or_behind_the_camera_is_not_sky():
    camera = view().camera
    points = torch.tensor([[0.0, -0.5, 2.0], [0.0, -0.5, -2.0], [0.0, 0.5, 2.0], [0.0, -9.0, 2.0], [0.0, 0.0, 0.0]])
    n = len(points)
    gaussians = Gaussians(points, torch.rand(n, 4), torch.ones(n, 3), torch.ones(n), torch.rand(n, 3))
    kept = without_sky(gaussians, camera, SKY)
    assert torch.equal(kept.means, points[1:])


def test_a_ray_that_is_less_than_half_covered_has_no_depth():
    splats = TwoWalls()(view(), 30.0)
    thin = dataclasses.replace(splats.gaussians, opacities=torch.full((2 * H * W,), 0.01))
    assert not bool(seen_depth(dataclasses.replace(splats, gaussians=thin), None, RENDERER).valid.any())
