"""The embedded layout prior on rooms whose depth is known by ray casting."""

import math
import re

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.backends.depth.layout.prior import read_layout
from vistadream.backends.weights.table import MODELS, PROFILES
from vistadream.config import configured
from vistadream.core import Camera, View, use_observer
from vistadream.ops.depth.align import align_scale_shift
from vistadream.ops.evaluation.metrics import abs_rel

DEPTH = configured("backends/depth=embedded")

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
    (found,) = DEPTH([view_of(rgb, camera)])
    assert found.valid.float().mean() > 0.99
    aligned = align_scale_shift(found.z, z, found.valid.float()).apply(found.z)
    flat = abs_rel(z.median().expand(H, W), z, found.valid)
    assert abs_rel(aligned, z, found.valid) < 0.5 * flat


def test_a_canvas_with_an_off_centre_principal_point_is_read_as_well():
    camera = Camera.from_fov(55, W, H).pad(60, 10, 0, 40)
    rgb, z = render_room(camera, room_from_cam(15, 25))
    (found,) = DEPTH([view_of(rgb, camera)])
    aligned = align_scale_shift(found.z, z, found.valid.float()).apply(found.z)
    assert abs_rel(aligned, z, found.valid) < 0.06


@pytest.mark.parametrize(("width", "height"), [(W, H), (120, 300), (16, 12)])
def test_a_blank_picture_gets_a_plausible_room(width, height):
    camera = Camera.from_fov(60, width, height)
    (found,) = DEPTH([view_of(torch.full((height, width, 3), 0.5), camera, focal_known=False)])
    assert found.valid.all()
    assert found.camera.fx == pytest.approx(camera.fx)
    assert float(found.z.max() / found.z.min()) <= 8
    assert found.z[-1].mean() < 1.05 * found.z[height // 2].mean()


def test_depth_scales_with_the_height_of_the_camera_and_its_ratio_is_bounded():
    camera = Camera.from_fov(65, W, H)
    rgb, _ = render_room(camera, room_from_cam(12, 10))
    (low,) = configured("backends/depth=embedded", camera_height_m=1.0)([view_of(rgb, camera)])
    (high,) = configured("backends/depth=embedded", camera_height_m=2.0, max_ratio=1.2)([view_of(rgb, camera)])
    assert float(high.z.max()) == pytest.approx(2 * float(low.z.max()))
    assert float(high.z.max() / high.z.min()) == pytest.approx(1.2)
    assert not high.is_metric


def test_the_sky_is_never_valid_and_the_ground_runs_away_below_it():
    camera = Camera.from_fov(60, W, H)
    up = camera.rays()[..., 1] < -0.05
    rgb = torch.where(up[..., None], torch.tensor([0.45, 0.65, 0.95]), torch.tensor([0.4, 0.35, 0.25]))
    (found,) = DEPTH([view_of(rgb, camera)])
    assert found.sky is not None
    assert torch.equal(found.valid, ~found.sky)
    assert (found.sky == up).float().mean() > 0.98
    assert (found.z[-1] < found.z[H * 3 // 4]).all()


def test_views_are_read_one_by_one():
    camera = Camera.from_fov(60, 80, 60)
    rgb, _ = render_room(camera, room_from_cam(10, 20))
    both = DEPTH([view_of(rgb, camera), view_of(rgb.flip(1), camera)])
    (alone,) = DEPTH([view_of(rgb.flip(1), camera)])
    assert torch.equal(both[1].z, alone.z)


@pytest.mark.parametrize("number", ["000150", "000185"])
def test_a_real_kitchen_is_read_better_than_a_ramp(test_data, number):
    def read(kind):
        return np.array(Image.open(test_data / "kitchen" / f"frame-{number}.{kind}.png"))

    truth = torch.from_numpy(read("depth").astype(np.float32)) / 1000
    rgb = torch.from_numpy(read("color")).float() / 255
    (found,) = DEPTH([view_of(rgb, Camera.from_focal(585.0, 640, 480))])
    ramp = (1 / torch.linspace(1, 2, 480))[:, None].expand(-1, 640)
    known = truth > 0
    errors = [abs_rel(align_scale_shift(z, truth, known.float()).apply(z), truth, known) for z in (found.z, ramp)]
    assert errors[0] < 0.7 * errors[1]


@pytest.mark.parametrize("fov", [50, 75])
def test_the_focal_length_of_a_cornered_room_is_found(fov):
    camera = Camera.from_fov(fov, W, H)
    rgb, _ = render_room(camera, room_from_cam(15, 35))
    guess = Camera.from_fov(60, W, H)
    (found,) = DEPTH([view_of(rgb, guess, focal_known=False)])
    assert found.camera.fx == pytest.approx(camera.fx, rel=0.08)
    (kept,) = DEPTH([view_of(rgb, guess)])
    assert kept.camera is guess


@pytest.mark.parametrize("field", ["camera_height_m", "fov_x_deg", "max_ratio"])
def test_bad_knobs_are_named(field):
    with pytest.raises(ValueError, match=field):
        configured("backends/depth=embedded", **{field: -1.0})


def test_a_tiled_room_is_trusted_more_than_noise():
    camera = Camera.from_fov(65, W, H)
    rgb, _ = render_room(camera, room_from_cam(12, 10))
    noise = torch.rand(H, W, 3, generator=torch.Generator().manual_seed(0))
    tiled, blank = (read_layout((x * 255).byte().numpy(), camera.K.double().numpy(), True).error for x in (rgb, noise))
    assert tiled < 0.6 * blank


def test_the_log_says_once_a_run_that_depth_is_approximate_and_which_command_gets_the_real_model():
    for _ in range(2):
        heard = []

        def observe(name, value, step=None, heard=heard):
            heard.append(value.text)

        with use_observer(observe):
            DEPTH([])
            DEPTH([])
        (text,) = heard
        assert "approximate depth (embedded)" in text
        (profile,) = re.findall(r"vistadream download ([^ ,]+)", text)
        assert {MODELS[model].role for model in PROFILES[profile]} == {"depth"}
