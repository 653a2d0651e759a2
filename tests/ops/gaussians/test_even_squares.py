"""One Gaussian stands for four painted pixels of one plane and one color, and for no others."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.config import configured
from vistadream.core import Camera, View
from vistadream.ops.evaluation.metrics import psnr
from vistadream.ops.gaussians.even_squares import EvenSquares
from vistadream.ops.gaussians.lift import lift_view

NORMAL = torch.nn.functional.normalize(torch.tensor([0.3, -0.4, -1.0]), dim=0)


def painted(width: int = 47, height: int = 33) -> View:
    """A painted slope whose colors change slowly from left to right."""
    camera = Camera.from_fov(50, width, height)
    z = 3 * NORMAL[2] / (camera.rays() @ NORMAL)
    everything = torch.ones(height, width, dtype=torch.bool)
    rgb = torch.linspace(0.3, 0.7, width)[None, :, None].expand(height, width, 3)
    return View("painted", camera, rgb.clone(), z, everything, everything, everything, origin="novel")


def chosen(view: View, tolerance: float = 0.01) -> torch.Tensor:
    return EvenSquares.of(view, view.lift, tolerance).pixels


def test_the_picture_stays_as_it_was_with_a_third_of_the_gaussians() -> None:
    view, renderer = painted(), configured("backends/render=cpu")
    each, fewer = lift_view(view, 0.65, 0.5), lift_view(view, 0.65, 0.5, even=0.01)
    a, b = (renderer(g, [view.camera], want=("rgb",))[0].rgb[2:-2, 2:-2] for g in (each, fewer))
    assert len(fewer) < len(each) / 3
    assert psnr(a, b) > 40


def test_a_square_lies_on_the_plane_of_its_pixels() -> None:
    view = painted()
    fewer = lift_view(view, 0.65, 0.5, even=0.01)
    torch.testing.assert_close(fewer.means @ NORMAL, torch.full((len(fewer),), float(3 * NORMAL[2])))


def test_photographed_pixels_texture_and_depth_edges_keep_one_gaussian_a_pixel() -> None:
    view = painted(48, 32)
    left = torch.arange(48) < 24
    noise = view.rgb + 0.1 * torch.randn(32, 48, 3, generator=torch.Generator().manual_seed(1)) * left[:, None]
    photographed = replace(view, generated=view.generated & ~left)
    stepped = replace(view, z=torch.where(left, view.z, 2 * view.z))
    assert not chosen(photographed)[:, :24].any()
    assert not chosen(replace(view, rgb=noise))[:, :23].any()
    assert len(lift_view(stepped, 0.65, 0.5, even=0.01)) > len(lift_view(view, 0.65, 0.5, even=0.01))
    assert all(bool(chosen(v)[:, 26:].all()) for v in (photographed, replace(view, rgb=noise)))


@given(st.integers(3, 12), st.integers(3, 12), st.integers(0, 2**31))
def test_every_pixel_to_lift_is_in_one_gaussian(width: int, height: int, seed: int) -> None:
    lifted = torch.rand(height, width, generator=torch.Generator().manual_seed(seed)) < 0.9
    view = replace(painted(width, height), lift=lifted)
    squares = EvenSquares.of(view, view.lift, 1.0)
    assert not bool((squares.pixels & ~lifted).any())
    assert int(squares.pixels.sum()) == 4 * int(squares.chosen.sum())


@pytest.mark.parametrize("tolerance", [0.0, 0.001, 0.01, 0.1])
def test_a_larger_tolerance_joins_at_least_as_much(tolerance: float) -> None:
    view = painted()
    assert bool((chosen(view, 0.1) | ~chosen(view, tolerance)).all())
