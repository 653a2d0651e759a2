"""Depth from a file: formats, units, geometry and clear errors."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from vistadream.backends.depth.given import GivenDepth
from vistadream.core import Camera, UserError, View

W, H = 64, 48


CAMERA = Camera.from_focal(60.0, W, H)


def view_of(camera: Camera, generated: torch.Tensor | None = None, name: str = "input") -> View:
    size = (camera.height, camera.width)
    no = torch.zeros(size, dtype=torch.bool)
    return View(name, camera, torch.zeros(*size, 3), None, ~no, ~no, no if generated is None else generated)


def oblique(camera: Camera) -> torch.Tensor:
    """z of the floor-like plane y + 0.3 z = 2."""
    return 2 / (camera.rays() @ torch.tensor([0.2, 1.0, 0.8]))


@pytest.fixture
def saved(tmp_path):
    def save(z, suffix):
        path = tmp_path / f"deep thought #1{suffix}"
        if suffix == ".npy":
            np.save(path, z)
        else:
            path.write_bytes(cv2.imencode(suffix, z)[1].tobytes())
        return path

    return save


def test_millimetres_in_a_png_become_metres_and_zero_is_invalid(saved):
    z_mm = np.full((H, W), 1500, np.uint16)
    z_mm[3, 4] = 0
    (found,) = GivenDepth(saved(z_mm, ".png"), unit_m=0.001)([view_of(CAMERA)])
    assert found.is_metric
    assert found.camera is CAMERA
    assert not found.valid[3, 4]
    assert int(found.valid.sum()) == H * W - 1
    assert torch.allclose(found.z[found.valid], torch.tensor(1.5))


def test_nan_inf_and_negative_numbers_are_invalid(saved):
    z = np.full((H, W), 2.0)
    z[0, :4] = [math.nan, math.inf, -1.0, 0.0]
    (found,) = GivenDepth(saved(z, ".npy"), unit_m=1.0)([view_of(CAMERA)])
    assert not found.valid[0, :4].any()
    assert int(found.valid.sum()) == H * W - 4
    assert found.z.isfinite().all()


def test_exr_keeps_floats(saved, monkeypatch):
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")
    z = oblique(CAMERA).numpy()
    (found,) = GivenDepth(saved(z, ".exr"), unit_m=1.0)([view_of(CAMERA)])
    assert np.allclose(found.z.numpy(), z)


@pytest.mark.parametrize(
    ("width", "height"), [(W, H), (2 * W, 2 * H), (W // 2, H // 2), (3 * W + 20, 3 * H), (W, H + 9)]
)
def test_planes_survive_any_resolution_and_the_loaders_central_crop(saved, width, height):
    per_px = min(width / W, height / H)
    stored = Camera.from_focal(60.0 * per_px, width, height)
    (found,) = GivenDepth(saved(oblique(stored).numpy(), ".npy"), unit_m=1.0)([view_of(CAMERA)])
    inner = (slice(2, -2), slice(2, -2))
    assert torch.allclose(found.z[inner], oblique(CAMERA)[inner], rtol=1e-4)


def test_the_canvas_gets_the_map_in_the_photos_window_only(saved):
    z = oblique(CAMERA)
    canvas = CAMERA.pad(7, 9, 3, 5)
    generated = torch.ones(canvas.height, canvas.width, dtype=torch.bool)
    generated[3 : 3 + H, 7 : 7 + W] = False
    (found,) = GivenDepth(saved(z.numpy(), ".npy"), unit_m=1.0)([view_of(canvas, generated, "outpaint")])
    assert torch.equal(found.valid, ~generated)
    assert torch.allclose(found.z[found.valid], oblique(canvas)[found.valid], rtol=1e-5)


def test_other_poses_and_invented_pictures_have_no_given_depth(saved):
    moved = torch.eye(4)
    moved[0, 3] = 0.1
    invented = view_of(CAMERA, torch.ones(H, W, dtype=torch.bool), "b")
    views = [view_of(CAMERA), *(replace(v, origin="novel") for v in (view_of(CAMERA.at(moved), name="a"), invented))]
    here, there, nowhere = GivenDepth(saved(oblique(CAMERA).numpy(), ".npy"), unit_m=1.0)(views)
    assert here.valid.all()
    assert not there.valid.any()
    assert not nowhere.valid.any()


@pytest.mark.parametrize(
    ("z", "suffix", "says"),
    [
        (np.zeros((H, W), np.uint16), ".png", "no pixel holds a depth"),
        (np.full((H, W), np.nan), ".npy", "no pixel holds a depth"),
        (np.full((H, W), 9, np.uint8), ".png", "8-bit"),
        (np.ones((W, H)), ".npy", "wanted the photo's shape"),
        (np.random.default_rng(0).random((H, W, 3)), ".npy", "one number per pixel"),
        (np.full((H, W), "deep"), ".npy", "one number per pixel"),
    ],
)
def test_a_file_that_is_not_the_photos_depth_is_refused(saved, z, suffix, says):
    with pytest.raises(UserError, match=says):
        GivenDepth(saved(z, suffix), unit_m=1.0)([view_of(CAMERA)])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.png", None, "no such depth map"),
        ("notes.txt", b"1.5", "unknown kind"),
        ("torn.png", b"\x89PNG\r\n\x1a\nrest", "cannot be decoded"),
        ("empty.exr", b"", "cannot be decoded"),
        ("torn.npy", b"\x93NUMPY", "not a readable NPY"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=says):
        GivenDepth(tmp_path / name, unit_m=1.0)([view_of(CAMERA)])


@pytest.mark.parametrize("unit_m", [0.0, -1.0, math.nan])
def test_the_unit_must_be_positive(unit_m):
    with pytest.raises(ValueError, match="unit_m"):
        GivenDepth("depth.png", unit_m=unit_m)
