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


def given(path, unit_m: float = 1.0, sky_value: float | None = None, sky_mask=None) -> GivenDepth:
    return GivenDepth(path, unit_m, sky_value, sky_mask)


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
    (found,) = given(saved(z_mm, ".png"), unit_m=0.001)([view_of(CAMERA)])
    assert found.is_metric
    assert found.camera is CAMERA
    assert not found.valid[3, 4]
    assert int(found.valid.sum()) == H * W - 1
    assert torch.allclose(found.z[found.valid], torch.tensor(1.5))


def test_nan_and_negative_numbers_are_invalid(saved):
    z = np.full((H, W), 2.0)
    z[0, :4] = [math.nan, -math.inf, -1.0, 0.0]
    (found,) = given(saved(z, ".npy"))([view_of(CAMERA)])
    assert not found.valid[0, :4].any()
    assert int(found.valid.sum()) == H * W - 4
    assert found.z.isfinite().all()
    assert not found.sky.any()


def test_exr_keeps_floats(saved, monkeypatch):
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")
    z = oblique(CAMERA).numpy()
    (found,) = given(saved(z, ".exr"))([view_of(CAMERA)])
    assert np.allclose(found.z.numpy(), z)


@pytest.mark.parametrize("suffix", [".exr", ".npy"])
def test_three_equal_channels_are_one_map_also_with_nan(saved, monkeypatch, suffix):
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")
    z = oblique(CAMERA).numpy()
    z[2, 3:6] = math.nan
    (found,) = given(saved(np.repeat(z[..., None], 3, axis=2), suffix))([view_of(CAMERA)])
    assert np.allclose(found.z.numpy()[found.valid], z[found.valid])
    assert int(found.valid.sum()) == H * W - 3


def test_channels_that_differ_are_refused(saved):
    z = np.repeat(oblique(CAMERA).numpy()[..., None], 3, axis=2)
    z[0, 0, 1] = math.nan
    with pytest.raises(UserError, match="wanted one number per pixel"):
        given(saved(z, ".npy"))([view_of(CAMERA)])


@pytest.mark.parametrize(
    ("width", "height"), [(W, H), (2 * W, 2 * H), (W // 2, H // 2), (3 * W + 20, 3 * H), (W, H + 9)]
)
def test_planes_survive_any_resolution_and_the_loaders_central_crop(saved, width, height):
    per_px = min(width / W, height / H)
    stored = Camera.from_focal(60.0 * per_px, width, height)
    (found,) = given(saved(oblique(stored).numpy(), ".npy"))([view_of(CAMERA)])
    inner = (slice(2, -2), slice(2, -2))
    assert torch.allclose(found.z[inner], oblique(CAMERA)[inner], rtol=1e-4)


def test_the_canvas_gets_the_map_in_the_photos_window_only(saved):
    z = oblique(CAMERA)
    canvas = CAMERA.pad(7, 9, 3, 5)
    generated = torch.ones(canvas.height, canvas.width, dtype=torch.bool)
    generated[3 : 3 + H, 7 : 7 + W] = False
    (found,) = given(saved(z.numpy(), ".npy"))([view_of(canvas, generated, "outpaint")])
    assert torch.equal(found.valid, ~generated)
    assert torch.allclose(found.z[found.valid], oblique(canvas)[found.valid], rtol=1e-5)


def test_other_poses_and_invented_pictures_have_no_given_depth(saved):
    moved = torch.eye(4)
    moved[0, 3] = 0.1
    invented = view_of(CAMERA, torch.ones(H, W, dtype=torch.bool), "b")
    views = [view_of(CAMERA), *(replace(v, origin="novel") for v in (view_of(CAMERA.at(moved), name="a"), invented))]
    here, there, nowhere = given(saved(oblique(CAMERA).numpy(), ".npy"))(views)
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
        given(saved(z, suffix))([view_of(CAMERA)])


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
        given(tmp_path / name)([view_of(CAMERA)])


@pytest.mark.parametrize("unit_m", [0.0, -1.0, math.nan])
def test_the_unit_must_be_positive(unit_m):
    with pytest.raises(ValueError, match="unit_m"):
        given("depth.png", unit_m=unit_m)


SKYLINE = 18
FAR = 60000
"""Stored for the sky in files that cannot hold infinity."""


def marked_sky(z: np.ndarray, saved, tmp_path) -> list[GivenDepth]:
    """The same sky, where z is infinite, in each way that it can be marked, and in all of them together."""
    sky, mixed = np.isinf(z), z.copy()
    mask = tmp_path / "sky.png"
    mask.write_bytes(cv2.imencode(".png", sky.astype(np.uint8))[1].tobytes())
    mixed[sky] = np.resize([math.inf, FAR, 2.0], int(sky.sum()))
    plain = np.where(sky, FAR, z)
    maps = {"inf": z, "value": plain, "masked": np.where(sky, 2.0, z), "mixed": mixed}
    files = {name: tmp_path / f"{name}.npy" for name in maps}
    for name, numbers in maps.items():
        np.save(files[name], numbers)
    return [
        given(files["inf"], 0.01),
        given(saved(z.astype(np.float32), ".exr"), 0.01),
        given(files["value"], 0.01, FAR),
        given(saved(plain.astype(np.uint16), ".png"), 0.01, FAR),
        given(files["masked"], 0.01, sky_mask=mask),
        given(files["mixed"], 0.01, FAR, mask),
    ]


def under_a_sky(width: int, height: int, unknown: int = 3) -> np.ndarray:
    """Whole centimeters of two walls below a slanted skyline, with a few unknown columns."""
    v, u = np.mgrid[:height, :width]
    z = np.where(u < width // 2, 150.0, 400.0)
    z[:, :unknown] = 0
    return np.where(v < SKYLINE * height / H + u // 4, math.inf, z)


@pytest.mark.parametrize(
    ("width", "height"), [(W, H), (2 * W, 2 * H), (W // 2, H // 2), (W, H + 9), (3 * W + 20, 3 * H)]
)
def test_infinity_a_value_and_a_mask_mark_the_same_sky(saved, tmp_path, monkeypatch, width, height):
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")
    z = under_a_sky(width, height)
    first, *others = (depth([view_of(CAMERA)])[0] for depth in marked_sky(z, saved, tmp_path))
    assert first.sky.any()
    assert not (first.sky & first.valid).any()
    assert set(first.z[first.valid].numpy().round(4).tolist()) == {1.5, 4.0}, "no depth between surface and sky"
    for other in others:
        assert torch.equal(other.sky, first.sky)
        assert torch.equal(other.valid, first.valid)
        assert torch.equal(other.z, first.z)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_sky_is_cropped_and_scaled_with_the_photo(saved, times):
    """Each pixel of the photo looks at the middle of `times` x `times` stored ones, or next to it."""
    z = np.repeat(np.repeat(under_a_sky(W + 8, H), times, 0), times, 1)
    (found,) = given(saved(z, ".npy"), 0.01)([view_of(CAMERA)])
    assert np.array_equal(found.sky.numpy(), np.isinf(under_a_sky(W + 8, H))[:, 4:-4])


@pytest.mark.parametrize("scale", [0.5, 2, 3.25])
def test_a_mask_may_be_a_scaled_one(saved, tmp_path, scale):
    z = np.full((H, W), 2.0)
    w, h = round(scale * W), round(scale * H)
    mask = np.zeros((h, w, 4), np.uint8)
    mask[: h // 2, :, 1] = 1
    mask[..., 3] = 255  # an alpha channel is no mark
    (tmp_path / "m.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
    (found,) = given(saved(z, ".npy"), sky_mask=tmp_path / "m.png")([view_of(CAMERA)])
    assert found.sky[: H // 2].all()
    assert torch.equal(found.valid, ~found.sky)
    assert found.valid[H // 2 :].all()


def test_the_border_of_a_canvas_is_unknown_and_no_sky(saved):
    canvas = CAMERA.pad(7, 9, 3, 5)
    generated = torch.ones(canvas.height, canvas.width, dtype=torch.bool)
    generated[3 : 3 + H, 7 : 7 + W] = False
    (found,) = given(saved(under_a_sky(W, H, 0), ".npy"))([view_of(canvas, generated, "outpaint")])
    assert torch.equal(found.sky | found.valid, ~generated)
    assert np.array_equal(found.sky[3 : 3 + H, 7 : 7 + W].numpy(), np.isinf(under_a_sky(W, H)))


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (None, "no such sky mask: .*sky.png; wanted an 8-bit picture"),
        (b"GIF", "sky.png: cannot be decoded as a picture"),
        (np.ones((H, W), np.uint16), "sky.png: is a 16-bit picture; wanted an 8-bit sky mask"),
        (np.ones((W, H), np.uint8), f"sky.png: the sky mask is {H}x{W}; wanted the depth map's shape, {W}x{H}"),
        (np.ones((H + 2, W), np.uint8), "or a scaled one"),
        (np.ones((H, W), np.uint8), "no pixel holds a depth; wanted positive, finite numbers outside the sky"),
    ],
)
def test_a_mask_that_is_not_of_the_depth_map_is_refused(saved, tmp_path, mask, says):
    file = tmp_path / "sky.png"
    if mask is not None:
        file.write_bytes(mask if isinstance(mask, bytes) else cv2.imencode(".png", mask)[1].tobytes())
    with pytest.raises(UserError, match=says):
        given(saved(np.ones((H, W)), ".npy"), sky_mask=file)([view_of(CAMERA)])


def test_the_value_of_the_sky_must_be_a_number():
    with pytest.raises(ValueError, match="sky_value: got nan; wanted a number, or null"):
        given("depth.png", sky_value=math.nan)
