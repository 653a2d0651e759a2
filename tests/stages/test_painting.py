"""What is painted into a hole meets what is known, and comes from behind."""

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
    rgb, z, hole = box_before_wall()
    said: list[str] = []
    painter = Painter(depth, mean_known, max_misfit=0.08)
    rgb, z = painter(
        CAMERA, rgb, z, hole, 0, lambda key, note: said.append(note.text if isinstance(note, Note) else "")
    )
    return rgb, z, said


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
