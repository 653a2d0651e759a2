"""The 3D low-pass filter: its width, and that a fitted surface stays closed on a larger screen."""

import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians
from vistadream.ops.gaussians.filter_3d import filter_3d

RENDERER = configured("backends/render=cpu")


def wall(camera: Camera, z: float = 2.0) -> Gaussians:
    """One opaque Gaussian on each pixel of a camera, a little narrower than lifted, as a fit leaves them."""
    points = camera.unproject(torch.full((camera.height, camera.width), z)).reshape(-1, 3)
    n = len(points)
    quats = torch.eye(4)[:1].expand(n, 4)
    return Gaussians(points, quats, torch.full((n, 3), 0.35 * z / camera.fx), torch.full((n,), 0.95), torch.ones(n, 3))


def test_variance_is_added_in_the_pixels_of_the_finest_camera() -> None:
    near, far = Camera.from_focal(100, 64, 64), Camera.from_focal(50, 64, 64)
    behind = torch.eye(4)
    behind[2, 3] = -100.0
    gaussians = wall(near)
    got = filter_3d(gaussians, [far, near, near.at(behind)], 0.25)
    wanted = (gaussians.scales**2 + 0.25 * (2.0 / 100) ** 2).sqrt()
    torch.testing.assert_close(got.scales, wanted)
    assert got.means is gaussians.means


def test_none_and_none_in_sight_change_nothing() -> None:
    camera = Camera.from_focal(100, 8, 8)
    behind = torch.eye(4)
    behind[2, 3] = -100.0
    gaussians = wall(camera)
    torch.testing.assert_close(filter_3d(gaussians, [camera], 0.0).scales, gaussians.scales)
    torch.testing.assert_close(filter_3d(gaussians, [camera.at(behind)], 1.0).scales, gaussians.scales)


def test_a_wall_stays_closed_four_times_as_large() -> None:
    camera = Camera.from_focal(40, 32, 32)
    large = camera.resize(128, 128)
    gaussians = wall(camera)
    inner = slice(16, 112)
    open_, closed = (
        RENDERER(g, [large], want=("alpha",))[0].alpha[inner, inner]
        for g in (gaussians, filter_3d(gaussians, [camera], 0.15))
    )
    assert float(open_.min()) < 0.7
    assert float(closed.min()) > 0.85
