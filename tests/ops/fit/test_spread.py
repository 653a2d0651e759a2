"""What a ray meets at different depths is an error, and a single surface is none."""

import math
from dataclasses import replace

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Rendering
from vistadream.ops.fit.spread import SPREAD, USUAL, WithSpread, disparity_planes, spread_error
from vistadream.ops.gaussians.lift import lift
from vistadream.ops.gaussians.rotation import rotations_from_quats

CAMERA = Camera.from_fov(60, 16, 12)
RENDERER = configured("backends/render=cpu")


def walls(*z: float, opacity: float = 0.9) -> Gaussians:
    """One broad Gaussian at each depth, in front of the camera."""
    n = len(z)
    means = torch.tensor([[0.0, 0, depth] for depth in z])
    scales = means[:, 2:] * torch.tensor([3.0, 3.0, 0.001])
    quats, gray = torch.eye(4)[:1].repeat(n, 1), torch.full((n, 3), 0.5)
    return Gaussians(means, quats, scales, torch.full((n,), opacity), gray)


def error(gaussians: Gaussians) -> torch.Tensor:
    return spread_error(WithSpread(RENDERER)(gaussians, [CAMERA], want=("rgb", SPREAD))[0])


def test_one_surface_has_no_error() -> None:
    assert float(error(walls(3.0))) < 1e-3


def slanted() -> tuple[Gaussians, torch.Tensor]:
    """A thin Gaussian for each pixel of a slanted wall, and 1 / z of the wall on each ray."""
    normal = torch.nn.functional.normalize(torch.tensor([0.2, 0.5, -0.8]), dim=0)
    disparity = CAMERA.rays("cpu") @ normal / (3 * normal[2])
    everywhere = torch.ones(12, 16, dtype=torch.bool)
    gray = torch.full((12, 16, 3), 0.5)
    wall = lift(CAMERA, gray, 1 / disparity, normal.expand(12, 16, 3), everywhere, everywhere, thickness=0.1)
    return wall, disparity


def test_a_slanted_surface_has_no_error() -> None:
    """The centers of its Gaussians have different depths, but on each ray they have one."""
    wall, _ = slanted()
    means = wall.means.clone()
    means[::2] *= 1.05
    assert float(error(wall)) < 0.01
    assert float(error(replace(wall, means=means))) > 0.2


def test_a_plane_says_the_depth_at_which_a_flat_gaussian_is_met() -> None:
    wall, disparity = slanted()
    flat = replace(wall, scales=wall.scales * torch.tensor([1.0, 1.0, 1e-3]))
    met = disparity_planes(flat, CAMERA) @ CAMERA.rays("cpu").reshape(-1, 3).T
    torch.testing.assert_close(met, disparity.reshape(1, -1).expand(len(flat), -1), rtol=0.1, atol=0)


def test_a_plane_says_where_a_thick_gaussian_is_densest_close_to_its_center() -> None:
    generator = torch.Generator().manual_seed(0)
    quats, scales = torch.randn(20, 4, generator=generator), 0.2 + 0.8 * torch.rand(20, 3, generator=generator)
    means = torch.tensor([0.0, 0, 4]) + torch.randn(20, 3, generator=generator)
    balls = Gaussians(means, quats, scales, torch.full((20,), 0.9), torch.zeros(20, 3))
    rays = means / means[:, 2:] + 1e-3 * torch.tensor([1.0, -2, 0])
    whiten = (rotations_from_quats(quats) / scales[:, None]).mT
    ray, center = (whiten @ rays[..., None])[..., 0], (whiten @ means[..., None])[..., 0]
    densest = (ray * center).sum(-1) / (ray * ray).sum(-1)
    torch.testing.assert_close((disparity_planes(balls, CAMERA) * rays).sum(-1), 1 / densest, rtol=1e-4, atol=0)


def test_two_surfaces_have_the_error_of_the_variance_of_their_log_depths() -> None:
    near, far = 0.5, 0.25  # what two walls of half opacity contribute
    share = near / (near + far)
    variance = share * (1 - share) * math.log(1.04) ** 2
    got = float(error(walls(3.0, 3.0 * 1.04, opacity=0.5)))
    assert got == pytest.approx(variance / (variance + USUAL**2), rel=0.05)


def test_the_error_does_not_depend_on_the_unit_of_the_scene() -> None:
    assert float(error(walls(30.0, 33.0, opacity=0.5))) == pytest.approx(
        float(error(walls(3.0, 3.3, opacity=0.5))), rel=0.02
    )


def test_the_gradient_brings_surfaces_together() -> None:
    gaussians = walls(3.0, 3.06, opacity=0.5)
    means = gaussians.means.requires_grad_()
    error(gaussians).backward()
    assert means.grad is not None
    assert means.grad[0, 2] < 0 < means.grad[1, 2]


def test_holes_have_no_error() -> None:
    assert float(error(walls(3.0, 6.0, opacity=0.1))) == 0


def test_other_channels_and_maps_stay_as_they_are() -> None:
    gaussians, extra = walls(3.0, 4.0), torch.tensor([[1.0], [2.0]])
    plain = RENDERER(gaussians, [CAMERA], want=("rgb", "z"), extra=extra)[0]
    watched = WithSpread(RENDERER)(gaussians, [CAMERA], want=("rgb", "z", SPREAD), extra=extra)[0]
    for name in ("rgb", "z"):
        assert torch.equal(plain.require(name), watched.require(name))
    assert torch.equal(plain.require("extra"), watched.require("extra")[..., :1])


def test_what_was_not_rendered_is_asked_for() -> None:
    with pytest.raises(ValueError, match="alpha"):
        spread_error(Rendering())
