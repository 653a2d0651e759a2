"""Laws of the camera: a pixel is the same ray whatever was done to its image."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.core import Camera

sizes = st.integers(2, 60)
borders = st.integers(0, 20)


@st.composite
def cameras(draw) -> Camera:
    w, h = draw(sizes), draw(sizes)
    focal = draw(st.floats(10, 200))
    principal = (draw(st.floats(0, w)), draw(st.floats(0, h)))
    camera = Camera.from_focal(focal, w, h, principal)
    angle, tilt = draw(st.floats(-3, 3)), draw(st.floats(-1, 1))
    c, s, ct, st_ = math.cos(angle), math.sin(angle), math.cos(tilt), math.sin(tilt)
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float64) @ torch.tensor(
        [[1, 0, 0], [0, ct, -st_], [0, st_, ct]], dtype=torch.float64
    )
    pose[:3, 3] = torch.tensor([draw(st.floats(-5, 5)) for _ in range(3)], dtype=torch.float64)
    return Camera(camera.K.double(), pose, w, h)


def pixel_centres(camera: Camera) -> torch.Tensor:
    v, u = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    return torch.stack([u, v], -1).double()


@given(cameras(), st.floats(0.1, 100))
def test_project_undoes_unproject(camera: Camera, depth: float) -> None:
    z = torch.full((camera.height, camera.width), depth, dtype=torch.float64)
    uv, seen_z = camera.project(camera.unproject(z))
    torch.testing.assert_close(uv, pixel_centres(camera), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(seen_z, z)


@given(cameras())
def test_points_are_in_the_pixels_that_show_them_and_outside_of_all_others(camera: Camera) -> None:
    margin = 3
    wider = camera.pad(margin, margin, margin, margin)
    points = wider.unproject(torch.full((wider.height, wider.width), 2.0, dtype=torch.float64)).reshape(-1, 3)
    inside, row, column, z = camera.pixels_of(points)
    across, down = (pixel_centres(wider) - margin).floor().long().reshape(-1, 2).unbind(-1)
    wanted = (across >= 0) & (across < camera.width) & (down >= 0) & (down < camera.height)
    assert torch.equal(inside, wanted)
    assert torch.equal(row[inside], down[inside])
    assert torch.equal(column[inside], across[inside])
    assert not row[~inside].any()
    assert not column[~inside].any()
    torch.testing.assert_close(z, torch.full_like(z, 2.0))
    behind = 2 * camera.center.to(points) - points
    assert not camera.pixels_of(behind)[0].any()


@given(cameras(), borders, borders, borders, borders)
def test_padding_shifts_pixels_and_cropping_takes_it_back(camera: Camera, left, right, top, bottom) -> None:
    padded = camera.pad(left, right, top, bottom)
    points = camera.unproject(torch.ones(camera.height, camera.width, dtype=torch.float64))
    uv, _ = padded.project(points)
    torch.testing.assert_close(uv, pixel_centres(camera) + torch.tensor([left, top]))
    back = padded.crop(left, top, camera.width, camera.height)
    torch.testing.assert_close(back.K, camera.K)
    assert (back.width, back.height) == (camera.width, camera.height)


@given(cameras(), sizes, sizes)
def test_resize_then_project_is_project_then_scale(camera: Camera, w: int, h: int) -> None:
    points = camera.unproject(torch.ones(camera.height, camera.width, dtype=torch.float64))
    uv, _ = camera.resize(w, h).project(points)
    scale = torch.tensor([w / camera.width, h / camera.height], dtype=torch.float64)
    torch.testing.assert_close(uv, pixel_centres(camera) * scale, atol=1e-6, rtol=1e-6)


@given(cameras(), borders, borders)
def test_a_padded_crop_sees_the_same_rays(camera: Camera, x: int, y: int) -> None:
    window = camera.pad(x, x, y, y).rays()[y : y + camera.height, x : x + camera.width]
    torch.testing.assert_close(window, camera.rays())


@given(cameras(), st.integers(1, 5))
def test_decimated_pixels_keep_their_rays(camera: Camera, step: int) -> None:
    torch.testing.assert_close(camera.decimate(step).rays(), camera.rays()[::step, ::step])


@given(cameras())
def test_the_inverse_pose_undoes_the_pose(camera: Camera) -> None:
    torch.testing.assert_close(camera.world_from_cam @ camera.cam_from_world, torch.eye(4, dtype=torch.float64))
    uv_at_centre = camera.cam_from_world[:3, :3] @ camera.center + camera.cam_from_world[:3, 3]
    torch.testing.assert_close(uv_at_centre, torch.zeros(3, dtype=torch.float64), atol=1e-9, rtol=0)


def test_a_field_of_view_ends_at_the_picture_s_edges() -> None:
    camera = Camera.from_fov(90, 64, 48)
    uv, _ = camera.project(torch.tensor([[1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
    torch.testing.assert_close(uv, torch.tensor([[64.0, 24.0], [0.0, 24.0], [32.0, 24.0]]))


@pytest.mark.parametrize(("focal", "w", "h"), [(0.0, 4, 4), (-1.0, 4, 4), (math.nan, 4, 4), (10.0, 0, 4)])
def test_an_impossible_camera_is_refused_with_its_numbers(focal: float, w: int, h: int) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Camera.from_focal(focal, w, h)
