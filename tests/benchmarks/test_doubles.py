"""Double walls are counted, and single ones are not, however slanted."""

import math
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from doubles import GAP, doubled

from vistadream.core import Camera, Gaussians

CAMERA = Camera.from_fov(60, 64, 48)


def wall(z: float, opacity: float, slant_deg: float = 0.0, step: float = 1.0) -> Gaussians:
    """A flat wall of Gaussians, `step` times z / 16 apart, through (0, 0, z), turned about the vertical axis."""
    a = math.radians(slant_deg)
    grid = torch.arange(-24, 25) * step * z / 16
    across, down = (t.flatten() for t in torch.meshgrid(grid, grid, indexing="ij"))
    means = torch.stack([across * math.cos(a), down, z + across * math.sin(a)], 1)
    n = len(means)
    quats = torch.tensor([math.cos(a / 2), 0, -math.sin(a / 2), 0]).repeat(n, 1)
    scales = torch.tensor([1.0, 1.0, 1e-3]).repeat(n, 1) * step * z / 16
    return Gaussians(means, quats, scales, torch.full((n,), opacity), torch.full((n, 3), 0.5))


def pane(z: float, opacity: float) -> Gaussians:
    """One broad Gaussian, so that a ray meets a wall once."""
    sizes = torch.tensor([[99.0, 99.0, 1e-3]])
    return Gaussians(torch.tensor([[0.0, 0, z]]), torch.eye(4)[:1], sizes, torch.tensor([opacity]), torch.ones(1, 3))


def test_one_wall_has_no_double() -> None:
    assert doubled(wall(3.0, 0.6), CAMERA).mean() == 0


def test_a_slanted_wall_has_no_double() -> None:
    assert doubled(wall(3.0, 0.6, slant_deg=60, step=0.5), CAMERA).mean() == 0


def test_two_walls_of_half_opacity_are_double_everywhere() -> None:
    assert doubled(Gaussians.concat(pane(3.0, 0.5), pane(3.0 * 1.04, 0.5)), CAMERA).mean() == 1


def test_two_walls_within_the_gap_are_one() -> None:
    assert doubled(Gaussians.concat(pane(3.0, 0.5), pane(3.0 * (1 + GAP / 2), 0.5)), CAMERA).mean() == 0


def test_an_opaque_wall_in_front_hides_the_second() -> None:
    assert doubled(Gaussians.concat(wall(3.0, 0.9), wall(3.0 * 1.04, 0.9)), CAMERA).mean() == 0


def test_a_hole_is_no_double() -> None:
    assert doubled(Gaussians.empty(), CAMERA).mean() == 0
