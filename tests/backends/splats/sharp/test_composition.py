"""Base and differences become Gaussians: covering, mirrored with the picture, in the unit of the depth."""

import torch

from vistadream.backends.splats.sharp.composition import DELTAS, composed, normalized
from vistadream.backends.splats.sharp.sizes import LAYERS
from vistadream.core import Gaussians
from vistadream.ops.image.linear_rgb import srgb_from_linear

SIDE = 16
GENERATOR = torch.Generator().manual_seed(0)
PICTURE = torch.rand(3, SIDE, SIDE, generator=GENERATOR)
DEPTH = 1 + torch.rand(LAYERS, SIDE, SIDE, generator=GENERATOR)
NONE = torch.zeros(DELTAS, LAYERS, SIDE // 2, SIDE // 2)


def gaussians(picture=PICTURE, depth=DEPTH, deltas=NONE) -> Gaussians:
    return composed(picture, *normalized(depth), deltas)


def test_without_differences_each_square_has_its_mean_color_and_nearest_depth():
    made, squares = gaussians(), DEPTH.unfold(1, 2, 2).unfold(2, 2, 2).amin((3, 4))
    z = made.means[:, 2].reshape(squares.shape)
    torch.testing.assert_close(z, squares, rtol=3e-3, atol=0)
    x = (made.means[:, 0] / made.means[:, 2]).reshape(squares.shape)[0, 0]
    torch.testing.assert_close(x, (torch.arange(SIDE // 2) + 0.5) / (SIDE // 4) - 1)
    means = PICTURE.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4)).flatten(1).T
    torch.testing.assert_close(srgb_from_linear(made.colors), means.repeat(LAYERS, 1), rtol=0, atol=1e-5)
    assert torch.equal(made.opacities, torch.full_like(made.opacities, 0.5))
    side = 2 / (SIDE // 2) * made.means[:, 2:]
    torch.testing.assert_close(made.scales, side.expand(-1, 3), rtol=1e-4, atol=0)


def test_the_mirror_image_has_the_mirrored_gaussians():
    deltas = torch.randn(NONE.shape, generator=torch.Generator().manual_seed(1))
    mirrored = deltas.flip(-1).clone()
    mirrored[0] *= -1
    one, other = gaussians(deltas=deltas), gaussians(PICTURE.flip(-1), DEPTH.flip(-1), mirrored)
    there = other.means.reshape(LAYERS, SIDE // 2, SIDE // 2, 3).flip(2).reshape(-1, 3)
    torch.testing.assert_close(there, one.means * torch.tensor([-1.0, 1.0, 1.0]), rtol=1e-5, atol=1e-6)


def test_the_gaussians_have_the_unit_of_the_depth():
    near, far = gaussians(), gaussians(depth=10 * DEPTH)
    torch.testing.assert_close(far.means, 10 * near.means, rtol=1e-4, atol=0)
    torch.testing.assert_close(far.scales, 10 * near.scales, rtol=1e-4, atol=0)


def test_what_is_very_far_is_cut_off_at_a_hundred_times_the_nearest():
    depth, unit = normalized(torch.tensor([[[2.0, 1000.0]]]))
    torch.testing.assert_close(depth.flatten(), torch.tensor([1.0, 100.0]))
    assert abs(float(unit) - 2) < 1e-5


def test_scales_stay_between_nothing_and_ten_times_the_square():
    wild = NONE.clone()
    wild[3], wild[4] = -50.0, 50.0
    scales = gaussians(deltas=wild).scales / gaussians().scales
    assert float(scales[:, 0].max()) < 1e-6
    torch.testing.assert_close(scales[:, 1], torch.full_like(scales[:, 1], 10.0), rtol=1e-4, atol=0)
