"""What is painted into a hole meets what is known, and comes from behind."""

import dataclasses

import pytest
import torch

from vistadream.core import Camera, DepthPrediction, Note
from vistadream.stages.painting import Painter

H, W = 60, 80
CAMERA = Camera.from_fov(60, W, H)
RED, GREEN = torch.tensor([0.9, 0.1, 0.1]), torch.tensor([0.1, 0.8, 0.1])


def mean_known(rgb, hole, prompt, seed):
    """An outpainter that fills with the mean of what it may see."""
    return torch.where(hole[..., None], rgb[~hole].mean(0), rgb)


def blind(views):
    z = torch.ones(H, W)
    return [DepthPrediction(z, torch.zeros(H, W, dtype=torch.bool), views[0].camera, False)]


def box_before_wall() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A red box at 1 m before a green wall at 3 m; the hole opens to the right of the box."""
    rgb, z = GREEN.expand(H, W, 3).clone(), torch.full((H, W), 3.0)
    rgb[10:50, 5:30], z[10:50, 5:30] = RED, 1.0
    hole = torch.zeros(H, W, dtype=torch.bool)
    hole[10:50, 30:55] = True
    rgb[hole], z[hole] = 0.0, 0.0
    return rgb, z, hole


def paint(depth=blind) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    rgb, z, _, said = paint_surely(depth)
    return rgb, z, said


def paint_surely(depth) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, list[str]]:
    rgb, z, hole = box_before_wall()
    said: list[str] = []
    painter = Painter(depth, mean_known, "a wall", max_misfit=0.08)
    rgb, z, confidence = painter(
        CAMERA, rgb, z, hole, 0, lambda key, note: said.append(note.text if isinstance(note, Note) else "")
    )
    return rgb, z, confidence, said


def test_known_pixels_are_untouched() -> None:
    before_rgb, before_z, hole = box_before_wall()
    rgb, z, _ = paint()
    assert torch.equal(rgb[~hole], before_rgb[~hole])
    assert torch.equal(z[~hole], before_z[~hole])


def test_the_hole_continues_the_wall_and_not_the_box() -> None:
    rgb, z, said = paint()
    inside = (slice(15, 45), slice(34, 52))
    assert float(z[inside].min()) > 2.5
    assert float((rgb[inside] - GREEN).abs().max()) < 0.25
    assert "continued" in said[-1]


def test_a_prediction_that_fits_what_is_known_is_used_and_aligned() -> None:
    """The model knows of a dent in the wall, in its own unit."""

    def model(views):
        z = torch.full((H, W), 3.0)
        z[10:50, 5:30] = 1.0
        z[25:35, 38:48] = 3.6
        return [DepthPrediction(z / 7, torch.ones(H, W, dtype=torch.bool), views[0].camera, False)]

    _, z, said = paint(model)
    assert not said
    assert float(z[30, 43]) > 3.4
    assert abs(float(z[20, 43]) - 3.0) < 0.1


def dented(confidence=None, valid=None, wrong=None):
    """A model that sees the dent in the wall in its own unit, a little farther off to the right than it is."""

    def model(views):
        z = torch.full((H, W), 3.0)
        z[10:50, 5:30] = 1.0
        z[25:35, 38:48] = 3.6
        z *= torch.linspace(0.98, 1.02, W)
        if wrong is not None:
            z[wrong] = 0.5
        everywhere = torch.ones(H, W, dtype=torch.bool)
        usable = everywhere if valid is None else valid
        return [DepthPrediction(z / 7, usable, views[0].camera, False, confidence=confidence)]

    return model


def test_confidence_of_ones_is_no_confidence_bit_for_bit() -> None:
    rgb, z, none, _ = paint_surely(dented())
    sure_rgb, sure_z, confidence, _ = paint_surely(dented(torch.ones(H, W)))
    assert torch.equal(rgb, sure_rgb)
    assert torch.equal(z, sure_z)
    assert none is None
    assert bool((confidence == 1).all())


def test_a_corrupted_region_without_confidence_moves_nothing() -> None:
    wrong = torch.zeros(H, W, dtype=torch.bool)
    wrong[:, 60:] = True
    honest = paint(dented())[1]
    _, ignored, said = paint(dented((~wrong).float(), wrong=wrong))
    assert not said
    assert torch.equal(ignored, paint(dented(valid=~wrong, wrong=wrong))[1])
    assert float((ignored / honest - 1).abs().max()) < 0.02
    _, misled, said = paint(dented(wrong=wrong))
    assert said or float((misled / honest - 1).abs().max()) > 0.02


def test_the_surer_the_model_the_deeper_its_dent_and_an_unsure_one_continues_the_wall() -> None:
    depths = []
    for level in (0.0, 0.3, 0.7, 1.0):
        confidence = torch.ones(H, W)
        confidence[25:35, 38:48] = level
        _, z, kept, _ = paint_surely(dented(confidence))
        depths.append(float(z[30, 43]))
        assert float(kept[30, 43]) == pytest.approx(level)
    assert depths == sorted(depths)
    assert abs(depths[0] - 3.0) < 0.1
    assert depths[-1] > 3.4


def test_depth_has_no_step_at_the_seam() -> None:
    """The prediction is off by up to a few percent there, after alignment."""
    hole = box_before_wall()[2]

    def tilted(views):
        (prediction,) = dented()(views)
        return [dataclasses.replace(prediction, z=prediction.z * (1 + 0.05 * torch.sin(torch.arange(H) / 8))[:, None])]

    _, z, said = paint(tilted)
    assert not said
    right = z[15:45, 55] / z[15:45, 54]  # known over painted
    assert float((right - 1).abs().max()) < 0.01
    assert bool(hole[15:45, 54].all())
