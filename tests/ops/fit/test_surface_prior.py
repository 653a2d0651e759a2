"""A prior asks for the surface that it shows, in the scene's unit, where it may be trusted, and for nothing else."""

from dataclasses import replace

import pytest
import torch

from vistadream.core import Camera, View
from vistadream.ops.depth.normals import normals_from_depth
from vistadream.ops.fit.surface_prior import SurfacePrior

CAMERA = Camera.from_fov(60, 32, 24)
ALL = torch.ones(24, 32, dtype=torch.bool)
SLANTED = (1 / (0.6 - 0.2 * CAMERA.rays()[..., 0] + 0.1 * CAMERA.rays()[..., 1])).contiguous()


def view(z: torch.Tensor | None, **maps: torch.Tensor) -> View:
    return replace(View("v", CAMERA, torch.zeros(24, 32, 3), z, ALL, ALL, ~ALL), **maps)


def costs(prior: SurfacePrior, z: torch.Tensor) -> tuple[float, float]:
    target = prior.target(prior.align(z))
    return float(prior.depth_error(z, target)), float(prior.normal_error(z, target))


def off(z: torch.Tensor, scale: float = 2.5, shift: float = -0.2) -> torch.Tensor:
    """The depth whose disparity would have to be scaled and shifted so to be that of z."""
    return 1 / ((1 / z - shift) / scale)


def test_a_prior_that_is_off_by_scale_and_shift_costs_nothing_where_it_is_right() -> None:
    alignment = SurfacePrior(view(off(SLANTED))).align(SLANTED)
    assert (alignment.scale, alignment.shift) == pytest.approx((2.5, -0.2), abs=1e-4)
    assert costs(SurfacePrior(view(off(SLANTED))), SLANTED) == pytest.approx((0, 0), abs=1e-4)


def test_a_bent_surface_costs_depth_and_normals() -> None:
    bent = SLANTED * (1 + 0.1 * torch.sin(20 * CAMERA.rays()[..., 0]))
    depth, normals = costs(SurfacePrior(view(SLANTED)), bent)
    assert depth > 0.03
    assert normals > 0.03


def test_a_fifth_of_outliers_hardly_moves_the_target() -> None:
    wrong = torch.rand(24, 32, generator=torch.Generator().manual_seed(0)) < 0.2
    prior = SurfacePrior(view(torch.where(wrong, 3 * SLANTED, SLANTED), supervise=ALL))
    alignment = prior.align(SLANTED)
    assert (alignment.scale, alignment.shift) == pytest.approx((1, 0), abs=1e-3)


@pytest.mark.parametrize(
    ("z", "reason"),
    [
        (None, "fewer than 64"),
        (torch.zeros(24, 32), "fewer than 64"),
        (torch.full((24, 32), torch.nan), "fewer than 64"),
        (torch.full((24, 32), 2.0), "constant"),
        (1 / (2 - 1 / SLANTED), "not positive"),
    ],
)
def test_what_cannot_be_aligned_supervises_nothing_and_says_why(z: torch.Tensor | None, reason: str) -> None:
    drawn = SLANTED.clone().requires_grad_()
    prior = SurfacePrior(view(z))
    alignment = prior.align(drawn)
    assert reason in alignment.reason
    target = prior.target(alignment)
    loss = prior.depth_error(drawn, target) + prior.normal_error(drawn, target)
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(drawn.grad.abs().max()) == 0


def test_given_normals_count_with_either_sign_and_without_any_depth() -> None:
    normals, _ = normals_from_depth(CAMERA, SLANTED, ALL)
    flipped = torch.where(torch.rand(24, 32, 1, generator=torch.Generator().manual_seed(0)) < 0.5, -normals, normals)
    for given in (normals, flipped):
        prior = SurfacePrior(replace(view(None), normals=given))
        assert costs(prior, SLANTED)[1] == pytest.approx(0, abs=1e-4)
        assert costs(prior, 2 * SLANTED.flip(1))[1] > 0.05
    unknown = SurfacePrior(replace(view(None), normals=torch.zeros(24, 32, 3)))
    assert costs(unknown, SLANTED.flip(1))[1] == 0


def test_nothing_is_asked_where_the_prior_is_not_to_be_trusted() -> None:
    """Beside its own edges, outside of what the fit must match, and where confidence is 0."""
    z = SLANTED.clone()
    z[:, 20:] *= 2
    left = torch.arange(32).expand(24, 32) < 8
    prior = SurfacePrior(view(z, supervise=~left, confidence=(torch.arange(24) < 12)[:, None].expand(24, 32).float()))
    target = prior.target(prior.align(z))
    drawn = z.clone()
    drawn[:, :8], drawn[12:], drawn[:, 19:21] = 9.0, 5.0, 7.0
    assert float(prior.depth_error(drawn, target)) == pytest.approx(0, abs=1e-5)
    assert not bool(target.has_normal[:, 9:11].any())
    assert not bool(target.has_normal[:, :4].any())


def test_gradients_are_those_of_finite_differences() -> None:
    rng = torch.Generator().manual_seed(3)
    prior = SurfacePrior(view(SLANTED))
    target = prior.target(prior.align(SLANTED))
    z = (SLANTED * (1 + 0.02 * torch.rand(24, 32, generator=rng))).double().requires_grad_()
    way = torch.randn(24, 32, generator=rng).double()

    def loss(z: torch.Tensor) -> torch.Tensor:
        return prior.depth_error(z, target) + prior.normal_error(z, target)

    (gradient,) = torch.autograd.grad(loss(z), z)
    slope = (loss(z.detach() + 1e-6 * way) - loss(z.detach() - 1e-6 * way)) / 2e-6
    assert float((gradient * way).sum()) == pytest.approx(float(slope), rel=1e-4)
