"""A fit with the values that stages share: its loss, its zoomed crops and its order of views."""

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Rendering, View, silent
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.fitting import Fitting

RATES = LearningRates(means=0.0, quats=0.0, scales=0.0, opacities=0.0, colors=0.05)
RENDERER = configured("backends/render=cpu")
CAMERA = Camera.from_fov(60, 16, 12)


def fitting(zoomed_share: float = 0.0, generated_weight: float = 0.5, spread_weight: float = 0.0) -> Fitting:
    return Fitting(RATES, zoomed_share, 0.2, generated_weight, spread_weight)


def gray(value: float, generated: bool = False) -> View:
    everywhere = torch.ones(12, 16, dtype=torch.bool)
    rgb = torch.full((12, 16, 3), value)
    return View("v", CAMERA, rgb, None, everywhere, everywhere, everywhere & generated)


def ball() -> Gaussians:
    one = torch.ones(1, 3)
    return Gaussians(torch.tensor([[0.0, 0, 2]]), torch.eye(4)[:1], one * 2, torch.tensor([0.9]), one * 0.2)


def test_the_pictures_of_the_views_are_approached() -> None:
    made = fitting()(ball(), [gray(0.8)], RENDERER, [0] * 40, observe=silent, name="t")
    assert float((made.colors - 0.8).abs().max()) < 0.5 * 0.6


@pytest.mark.parametrize(("share", "zoomed"), [(0.0, 0), (0.25, 5), (1.0, 20)])
def test_a_share_of_the_steps_shows_a_zoomed_crop(share: float, zoomed: int) -> None:
    focal_px = []

    def renderer(gaussians, cameras, **options):
        focal_px.extend(camera.fx for camera in cameras)
        return RENDERER(gaussians, cameras, **options)

    fitting(share)(ball(), [gray(0.8)], renderer, [0] * 20, observe=silent, name="t")
    assert len(focal_px) == 20
    assert sum(value == pytest.approx(2 * CAMERA.fx) for value in focal_px) == zoomed


def test_generated_pixels_of_no_weight_cost_nothing() -> None:
    drawn = Rendering(rgb=torch.zeros(12, 16, 3))
    assert float(fitting(generated_weight=0.0).loss(gray(0.8, generated=True), drawn)) == 0
    assert float(fitting(generated_weight=0.0).loss(gray(0.8), drawn)) > 0


def test_the_weight_of_the_spread_brings_two_walls_together() -> None:
    rates = LearningRates(means=0.01, quats=0.0, scales=0.0, opacities=0.0, colors=0.0)
    means, sizes = torch.tensor([[0.0, 0, 2], [0.0, 0, 2.06]]), torch.full((2, 3), 0.5)
    walls = Gaussians(means, torch.eye(4)[:1].repeat(2, 1), sizes, torch.tensor([0.5, 0.9]), torch.full((2, 3), 0.5))

    def gap(weight: float) -> float:
        fit = Fitting(rates, 0.0, 0.2, 0.5, weight)
        made = fit(walls, [gray(0.5)], RENDERER, [0] * 20, observe=silent, name="t")
        return float((made.means[1] - made.means[0])[2])

    assert abs(gap(1.0)) < 0.5 * abs(gap(0.0))
