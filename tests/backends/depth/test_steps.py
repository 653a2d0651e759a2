"""Soft steps of depth become hard; planes, small relief and what is not land stay as they are."""

import pytest
import torch

from vistadream.backends.depth.steps import PASSES, RADIUS, harden_steps

H, W = 120, 160
ALL = torch.ones(H, W, dtype=torch.bool)
ROWS, COLUMNS = torch.meshgrid(torch.arange(H) / H, torch.arange(W) / W, indexing="ij")


def soft_step(near: float, far: float, width_px: float) -> torch.Tensor:
    """Log z that goes from one depth to the other in the middle of the picture, linear in disparity."""
    share = ((torch.arange(W) - W / 2) / width_px + 0.5).clamp(0, 1)
    return -torch.log((1 - share) / near + share / far).expand(H, W).contiguous()


def between(log_z: torch.Tensor, near: float, far: float) -> int:
    """Columns of the middle row that belong to neither side."""
    z = log_z[H // 2].exp()
    return int(((z > 1.05 * near) & (z < 0.95 * far)).sum())


def test_a_soft_step_becomes_hard():
    soft = soft_step(1.0, 2.0, 6)
    hard = harden_steps(soft, ALL)
    assert between(soft, 1, 2) >= 5
    assert between(hard, 1, 2) <= 3


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.8, 0.0), (0.0, -0.7), (0.5, 0.4)])
def test_planes_stay_planes(slope):
    """Disparity is linear on a plane, up to the picture's border."""
    plane = -torch.log(1 + slope[0] * ROWS + slope[1] * COLUMNS)
    torch.testing.assert_close(harden_steps(plane, ALL), plane, atol=1e-4, rtol=0)


def test_the_line_where_two_planes_meet_stays():
    corner = -torch.log(1 + 0.9 * (ROWS - 0.5).abs())
    assert (harden_steps(corner, ALL) - corner).abs().max() < 0.01


def test_small_relief_is_no_step():
    relief = 0.09 * torch.rand(H, W, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(harden_steps(relief, ALL), relief, atol=1e-5, rtol=0)


def test_no_value_leaves_the_range_around_it():
    rough = torch.randn(H, W, generator=torch.Generator().manual_seed(1))
    radius = PASSES * max(1, round(RADIUS * W))
    around = torch.nn.functional.max_pool2d(torch.stack([rough, -rough])[None], 2 * radius + 1, 1, radius)[0]
    found = harden_steps(rough, ALL)
    assert bool((found <= around[0] + 1e-5).all())
    assert bool((found >= -around[1] - 1e-5).all())


def test_the_sky_keeps_its_value_and_makes_no_step():
    land = ROWS >= 0.5
    ground = -torch.log(0.2 + 1.2 * ROWS)
    with_sky = torch.where(land, ground, 9.0)
    found = harden_steps(with_sky, land)
    assert bool((found[~land] == 9.0).all())
    below = ROWS >= 0.55
    assert (found - ground)[below].abs().max() < 0.05


def test_nothing_but_sky_stays():
    log_z = torch.zeros(H, W)
    assert bool((harden_steps(log_z, ~ALL) == log_z).all())
