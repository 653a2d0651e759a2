"""The paste of what a model painted: known pixels exact, colours matched, no step at the seam."""

import pytest
import torch

from vistadream.backends.diffusion.compositing import composite
from vistadream.ops.image.pixels import pad_mask

H, W = 72, 96
HOLE = pad_mask(40, 56, 16, 20)


def smooth_picture():
    y, x = torch.meshgrid(torch.linspace(0, 1, H), torch.linspace(0, 1, W), indexing="ij")
    return torch.stack([0.3 + 0.3 * x, 0.4 + 0.2 * y, 0.5 + 0.2 * x * y], -1)


@pytest.mark.parametrize("hole", [HOLE, ~HOLE, torch.zeros_like(HOLE), torch.ones_like(HOLE)])
def test_known_pixels_are_bit_identical_and_the_rest_are_colours(hole):
    rgb, painted = torch.rand(H, W, 3), torch.rand(H, W, 3)
    result = composite(painted, rgb, hole)
    assert torch.equal(result[~hole], rgb[~hole])
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert result.dtype == rgb.dtype


def test_a_true_painting_is_left_as_it_is():
    truth = smooth_picture()
    torch.testing.assert_close(composite(truth, truth, HOLE), truth, atol=1e-6, rtol=0)


def test_a_colour_cast_is_taken_back_everywhere():
    truth = smooth_picture()
    cast = truth + torch.tensor([0.08, -0.05, 0.03])
    torch.testing.assert_close(composite(cast, truth, HOLE), truth, atol=1e-4, rtol=0)


def test_a_cast_that_changes_along_the_seam_is_followed():
    truth = smooth_picture()
    cast = truth + 0.1 * torch.linspace(-1, 1, W)[None, :, None]
    left = (cast - truth).abs()[HOLE].mean()
    assert (composite(cast, truth, HOLE) - truth).abs()[HOLE].mean() < 0.5 * left


def test_detail_that_is_off_at_the_seam_fades_within_the_feather():
    """A model that blurs known texture: the photograph's detail does not run on into the hole."""
    truth, texture = smooth_picture(), 0.05 * torch.randn(H, W, 3)
    rgb = (truth + texture).clamp(0, 1)
    change = (composite(truth, rgb, HOLE, feather_px=2.0) - truth).abs().mean(-1)
    rows = torch.arange(20, 52)
    seam, far = change[rows, 19].mean(), change[rows, 5].mean()
    assert seam > 3 * far, "at the seam the picture is met"
    assert far < 0.008, "away from it the painting stands"


def test_there_is_no_step_at_the_seam():
    truth = smooth_picture()
    cast = (truth + 0.1 + 0.02 * torch.randn(H, W, 3)).clamp(0, 1)
    result = composite(cast, truth, HOLE)
    raw = torch.where(HOLE[..., None], cast, truth)
    step = lambda picture: (picture[16:56, 19] - picture[16:56, 20]).abs().mean()  # noqa: E731
    assert step(result) < 0.35 * step(raw)
