"""Gaussians under an affine map: covariances, right-handed axes, and scales that stay positive."""

import pytest
import torch

from vistadream.core import Gaussians
from vistadream.ops.gaussians.affine_map import mapped
from vistadream.ops.gaussians.rotation import rotations_from_quats

STRETCHED = torch.tensor([[0.6, 0.0, 0.1], [0.0, 0.4, -0.2], [0.0, 0.0, 1.0]])
MIRRORED = torch.diag(torch.tensor([-1.0, 1.0, 2.0]))


def some(n: int = 500) -> Gaussians:
    generator = torch.Generator().manual_seed(0)
    draw = [torch.rand(n, k, generator=generator) for k in (3, 4, 3, 3)]
    return Gaussians(draw[0], draw[1] - 0.5, 0.01 + draw[2], torch.ones(n), draw[3])


def covariances(gaussians: Gaussians) -> torch.Tensor:
    root = rotations_from_quats(gaussians.quats_wxyz.double()) * gaussians.scales.double()[:, None]
    return root @ root.transpose(1, 2)


@pytest.mark.parametrize("linear", [torch.eye(3), STRETCHED, MIRRORED], ids=["same", "stretched", "mirrored"])
def test_covariances_and_centers_are_those_of_the_map(linear):
    before, offset = some(), torch.tensor([1.0, -2.0, 0.5])
    after = mapped(before, linear, offset)
    wanted = linear.double() @ covariances(before) @ linear.double().T
    off = (covariances(after) - wanted).norm(dim=(1, 2)) / wanted.norm(dim=(1, 2))
    assert float(off.max()) < 1e-5
    torch.testing.assert_close(after.means, before.means @ linear.T + offset)
    rotations = rotations_from_quats(after.quats_wxyz)
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(len(before)))
    assert bool((after.scales.diff(dim=-1) <= 0).all()), "in decreasing order"


def test_colors_and_opacities_are_kept():
    before = some()
    after = mapped(before, STRETCHED, torch.zeros(3))
    assert torch.equal(after.colors, before.colors)
    assert torch.equal(after.opacities, before.opacities)


def test_a_flat_gaussian_keeps_a_positive_scale():
    flat = Gaussians(
        torch.zeros(1, 3), torch.rand(1, 4), torch.tensor([[1.0, 0.5, 0.0]]), torch.ones(1), torch.zeros(1, 3)
    )
    assert float(mapped(flat, STRETCHED, torch.zeros(3)).scales.min()) > 0


def test_there_may_be_none():
    assert len(mapped(Gaussians.empty(), STRETCHED, torch.zeros(3))) == 0
