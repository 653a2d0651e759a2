"""What every outpainter owes, and what patch completion must do on textures whose continuation is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.config import configured
from vistadream.ops.holes.poisson import poisson_fill

OUTPAINTER = configured("backends/outpaint=embedded")

H, W = 90, 120
Y, X = torch.meshgrid(torch.arange(H).float(), torch.arange(W).float(), indexing="ij")
STRIPES = torch.stack(
    [0.5 + 0.4 * torch.sin(X / 2), 0.5 + 0.4 * torch.sin(Y / 3), 0.3 + 0.2 * torch.cos(X / 2)], dim=-1
)
"""A texture that repeats itself, so that its continuation is known."""


def border_hole() -> torch.Tensor:
    hole = torch.ones(H, W, dtype=torch.bool)
    hole[12:-12, 16:-16] = False
    return hole


def inner_hole() -> torch.Tensor:
    return (X - 70) ** 2 + (Y - 40) ** 2 < 14**2


@pytest.fixture(params=[border_hole, inner_hole], ids=["border", "inner"])
def hole(request: pytest.FixtureRequest) -> torch.Tensor:
    return request.param()


def paint(rgb: torch.Tensor, hole: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return OUTPAINTER(torch.where(hole[..., None], torch.nan, rgb), hole, "", seed)


def test_known_pixels_come_back_untouched_and_the_rest_are_colours(hole: torch.Tensor) -> None:
    painted = paint(STRIPES, hole)
    assert torch.equal(painted[~hole], STRIPES[~hole])
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_a_repeating_texture_goes_on(hole: torch.Tensor) -> None:
    error = (paint(STRIPES, hole) - STRIPES)[hole]
    assert 10 * torch.log10(1 / error.square().mean()) > 22


def test_a_slanted_line_runs_on_over_the_border() -> None:
    above = (Y < 20 + 0.5 * X)[..., None]
    picture = torch.where(above, torch.tensor([0.8, 0.7, 0.5]), torch.tensor([0.2, 0.3, 0.4]))
    wrong = (paint(picture, border_hole()) - picture).abs().amax(-1) > 0.2
    assert wrong.float().mean() < 0.01


def test_a_thing_that_stands_there_once_is_not_repeated() -> None:
    disc = ((X - 32) ** 2 + (Y - 45) ** 2 < 9**2)[..., None]
    grain = 0.05 * torch.rand(H, W, 3, generator=torch.Generator().manual_seed(2))
    picture = torch.where(disc, torch.tensor([0.9, 0.1, 0.1]), torch.tensor([0.6, 0.6, 0.5])) + grain
    painted = paint(picture, border_hole())
    assert (painted - torch.tensor([0.6, 0.6, 0.5]))[border_hole()].abs().max() < 0.25


def test_a_constant_picture_stays_constant(hole: torch.Tensor) -> None:
    grey = torch.full((H, W, 3), 0.4)
    assert torch.allclose(paint(grey, hole), grey, atol=1e-5)


def test_the_seam_is_no_steeper_than_the_picture() -> None:
    hole = border_hole()
    ramp = (X / W)[..., None].expand(H, W, 3).contiguous()
    painted = paint(ramp, hole)
    assert (painted[30:60, 16] - painted[30:60, 15]).abs().max() < 0.05


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(hole: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(1)
    noise = torch.rand(H, W, 3, generator=generator)
    first = paint(noise, hole, seed=3)
    threads = torch.get_num_threads()
    try:
        for n in (1, 3):
            torch.set_num_threads(n)
            assert torch.equal(paint(noise, hole, seed=3), first)
    finally:
        torch.set_num_threads(threads)
    assert not torch.equal(paint(noise, hole, seed=4), first)


def test_no_hole_is_no_work() -> None:
    assert torch.equal(OUTPAINTER(STRIPES, torch.zeros(H, W, dtype=torch.bool), "", 0), STRIPES)


def test_nothing_known_is_an_error() -> None:
    with pytest.raises(ValueError, match="wanted at least one known pixel"):
        OUTPAINTER(STRIPES, torch.ones(H, W, dtype=torch.bool), "", 0)


@pytest.mark.parametrize("size", [(1, 2), (5, 5), (9, 40)])
def test_pictures_too_small_for_a_patch_are_filled_too(size: tuple[int, int]) -> None:
    rgb = torch.full((*size, 3), 0.25)
    hole = torch.zeros(size, dtype=torch.bool)
    hole[:, -1] = True
    assert torch.allclose(OUTPAINTER(rgb, hole, "", 0), rgb)


def test_a_hole_of_scattered_pixels_is_filled() -> None:
    hole = torch.from_numpy(np.random.default_rng(0).random((H, W)) < 0.3)
    assert (paint(STRIPES, hole) - STRIPES)[hole].abs().mean() < 0.15


@pytest.mark.parametrize("knob", [{"locality": -1.0}, {"upright": float("nan")}, {"rarity": -0.1}, {"rounds": 1}])
def test_bad_knobs_are_named(knob: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"EmbeddedOutpainter.{next(iter(knob))}: got"):
        configured("backends/outpaint=embedded", **knob)


def test_a_hole_in_a_photo_gets_its_texture_without_straying_from_its_colours(test_data: Path) -> None:
    photo = Image.open(test_data / "photos" / "living_room.jpg").resize((240, 160), Image.Resampling.BOX)
    rgb = torch.from_numpy(np.array(photo)).float() / 255
    y, x = torch.meshgrid(torch.arange(160), torch.arange(240), indexing="ij")
    hole = (x - 160) ** 2 + (y - 130) ** 2 < 18**2
    flat = torch.from_numpy(poisson_fill(rgb.numpy(), (~hole).numpy())).float()
    painted = paint(rgb, hole)
    error, flat_error = ((filled - rgb)[hole].square().mean() for filled in (painted, flat))
    assert error < 2 * flat_error
    assert painted[hole].std() > 0.5 * rgb[hole].std()
