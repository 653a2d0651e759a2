"""The layout of whole pictures: rooms, walls and noise."""

import numpy as np
import pytest
import torch

from vistadream.backends.depth.layout.prior import Layout, pixel_rays, read_layout
from vistadream.core import Camera

W, H = 320, 240
CAMERA = Camera.from_fov(65, W, H).pad(30, 0, 0, 0)
K = CAMERA.K.double().numpy()


def bytes_of(rgb: torch.Tensor) -> np.ndarray:
    return (rgb * 255).round().byte().numpy()


@pytest.fixture(scope="module")
def tiled_room(render_room) -> tuple[np.ndarray, np.ndarray, Layout]:
    """The picture of a room, the logarithm of its z in heights of the camera, and its layout."""
    rgb, z = render_room(CAMERA, 12, 25)
    return bytes_of(rgb), np.log(z.numpy() / 1.5), read_layout(bytes_of(rgb), K, True)


def test_the_layout_of_a_tiled_room_is_its_depth_in_heights_of_the_camera(tiled_room):
    _, log_z, layout = tiled_room
    assert layout.trust > 0.9
    assert layout.zoom == 1
    assert np.abs(layout.log_z - log_z).mean() < 0.05
    assert np.abs(layout.log_z - log_z).mean() < 0.3 * np.abs(log_z - np.median(log_z)).mean()


def test_the_layout_of_a_mirrored_picture_is_the_mirrored_layout(tiled_room):
    rgb, _, layout = tiled_room
    K_mirrored = K.copy()
    K_mirrored[0, 2] = CAMERA.width - K[0, 2]
    mirrored = read_layout(np.ascontiguousarray(rgb[:, ::-1]), K_mirrored, True)
    assert np.abs(mirrored.log_z[:, ::-1] - layout.log_z).mean() < 0.02
    assert mirrored.trust == pytest.approx(layout.trust, abs=0.05)


def test_noise_is_not_trusted_and_a_tiled_room_is(tiled_room):
    noise = np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)
    assert read_layout(noise, Camera.from_fov(65, W, H).K.double().numpy(), True).trust < 0.1
    assert tiled_room[2].trust > 0.9


@pytest.mark.parametrize("yaw", [0, 25])
def test_a_single_wall_is_not_trusted_however_clear_its_tiles_are(render_room, yaw):
    wall = {"size_m": (60.0, 15.0, 3.0), "ceiling_m": 15.0}
    rgb, z = render_room(CAMERA, 0, yaw, **wall)
    rays, inverse_z = CAMERA.rays().flatten(0, 1), 1 / z.flatten()[:, None]
    plane = torch.linalg.lstsq(rays, inverse_z).solution
    assert torch.allclose(rays @ plane, inverse_z, atol=1e-3), "or the picture shows more than one plane"
    assert read_layout(bytes_of(rgb), K, True).trust < 0.15


def test_rays_go_through_the_centers_of_their_pixels():
    assert np.allclose(pixel_rays(K, CAMERA.width, CAMERA.height), CAMERA.rays().numpy(), atol=1e-5)
