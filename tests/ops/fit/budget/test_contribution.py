"""Counting by one backward pass against counting each Gaussian on its own."""

import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians
from vistadream.ops.fit.budget import contributions

RENDERER = configured("backends/render=cpu")


def cloud(n: int = 12) -> Gaussians:
    draw = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    generator = torch.Generator().manual_seed(3)
    means = torch.cat([draw(n, 2) * 2 - 1, draw(n, 1) + 2], -1)
    return Gaussians(means, draw(n, 4) - 0.5, 0.05 + 0.3 * draw(n, 3), 0.2 + 0.7 * draw(n), draw(n, 3))


def cameras() -> list[Camera]:
    moved = torch.eye(4)
    moved[0, 3] = 0.3
    camera = Camera.from_fov(60, 24, 18)
    return [camera, Camera(camera.K, moved, 24, 18)]


def test_the_gradient_of_a_channel_of_ones_is_what_each_gaussian_contributes() -> None:
    scene, errors = cloud(), torch.rand(18, 24, 1, generator=torch.Generator().manual_seed(4))
    maps = torch.cat([torch.ones_like(errors), errors], -1)
    counted = contributions(scene, cameras(), [maps, maps], RENDERER)
    for view, camera in enumerate(cameras()):
        own = RENDERER(scene, [camera], want=(), extra=torch.eye(len(scene)))[0].extra  # a channel for each
        by_hand = torch.einsum("hwn,hwc->nc", own, maps)
        assert float(by_hand[:, 0].max()) > 1
        torch.testing.assert_close(counted[view], by_hand, atol=1e-4, rtol=1e-4)


def test_contributions_add_up_to_the_sum_of_alpha() -> None:
    camera = cameras()[0]
    counted = contributions(cloud(), [camera], [torch.ones(18, 24, 1)], RENDERER)
    alpha = RENDERER(cloud(), [camera], want=("alpha",))[0].alpha
    torch.testing.assert_close(counted.sum(), alpha.sum(), atol=1e-3, rtol=1e-5)


def test_a_masked_pixel_counts_for_nobody() -> None:
    nothing = contributions(cloud(), cameras(), [torch.zeros(18, 24, 1)] * 2, RENDERER)
    assert float(nothing.abs().max()) == 0
