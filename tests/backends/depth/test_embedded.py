"""The embedded layout prior on rooms whose depth is known by ray casting."""

import math

import pytest
import torch

from vistadream.backends.depth.embedded import EmbeddedDepth
from vistadream.core import Camera, View
from vistadream.ops.depth import align_scale_shift
from vistadream.ops.metrics import abs_rel

W, H = 320, 240


def room_from_cam(pitch_deg: float, yaw_deg: float) -> torch.Tensor:
    p, y = math.radians(pitch_deg), math.radians(yaw_deg)
    pitched = torch.tensor([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    yawed = torch.tensor([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    return yawed @ pitched


def render_room(camera: Camera, rotation: torch.Tensor, size_m=(2.0, 1.5, 3.5), ceiling_m=1.1):
    """Rgb and z of a tiled box room, metres from its walls left/right, below and ahead of the camera."""
    rays = camera.rays() @ rotation.T
    low = torch.tensor([-size_m[0], -ceiling_m, -2.0])
    high = torch.tensor(size_m)
    t, axis = torch.where(rays > 0, high / rays, low / rays).min(dim=-1)
    points = rays * t[..., None]
    tiles = ((points / 0.5).floor() % 2).sum(-1) - torch.take_along_dim(
        (points / 0.5).floor() % 2, axis[..., None], -1
    )[..., 0]
    face = 0.35 + 0.15 * axis + 0.08 * (points[..., 1] > 0)
    grey = face + 0.12 * (tiles % 2)
    return grey[..., None] * torch.tensor([1.0, 0.95, 0.85]), t


def view_of(rgb: torch.Tensor, camera: Camera, focal_known: bool = True) -> View:
    none = torch.zeros(rgb.shape[:2], dtype=torch.bool)
    return View("input", camera, rgb.clamp(0, 1), None, ~none, ~none, none, focal_known)


@pytest.mark.parametrize(("pitch", "yaw"), [(12, 10), (20, 40), (5, -30)])
def test_a_tiled_room_is_read_right(pitch, yaw):
    camera = Camera.from_fov(65, W, H)
    rgb, z = render_room(camera, room_from_cam(pitch, yaw))
    (found,) = EmbeddedDepth()([view_of(rgb, camera)])
    assert found.valid.float().mean() > 0.99
    aligned = align_scale_shift(found.z, z, found.valid.float()).apply(found.z)
    flat = abs_rel(z.median().expand(H, W), z, found.valid)
    assert abs_rel(aligned, z, found.valid) < 0.5 * flat


@pytest.mark.parametrize("fov", [50, 60, 75])
def test_the_focal_length_of_a_cornered_room_is_found(fov):
    camera = Camera.from_fov(fov, W, H)
    rgb, _ = render_room(camera, room_from_cam(15, 35))
    guess = Camera.from_fov(60, W, H)
    (found,) = EmbeddedDepth()([view_of(rgb, guess, focal_known=False)])
    assert found.camera.fx == pytest.approx(camera.fx, rel=0.08)
    (kept,) = EmbeddedDepth()([view_of(rgb, guess)])
    assert kept.camera is guess


@pytest.mark.parametrize("field", ["camera_height_m", "fov_x_deg", "max_ratio"])
def test_bad_knobs_are_named(field):
    with pytest.raises(ValueError, match=field):
        EmbeddedDepth(**{field: -1.0})
