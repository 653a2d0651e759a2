"""What a ray meets at different depths is an error, and a single surface is none."""

import math

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Rendering
from vistadream.ops.fit.spread import USUAL, WithSpread, spread_error

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
    return spread_error(WithSpread(RENDERER)(gaussians, [CAMERA], want=("rgb",))[0])


def test_one_surface_has_no_error() -> None:
    assert float(error(walls(3.0))) < 1e-3


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
    watched = WithSpread(RENDERER)(gaussians, [CAMERA], want=("rgb", "z"), extra=extra)[0]
    for name in ("rgb", "z"):
        assert torch.equal(plain.require(name), watched.require(name))
    assert torch.equal(plain.require("extra"), watched.require("extra")[..., :1])


def test_what_was_not_rendered_is_asked_for() -> None:
    with pytest.raises(ValueError, match="alpha"):
        spread_error(Rendering())
