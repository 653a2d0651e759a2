"""A transforms.json becomes posed pictures, and every frame that cannot be used is named."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from vistadream.core import UserError
from vistadream.sources.posed.nerfstudio import file_in, read

TOP = {"fl_x": 50.0, "fl_y": 48.0, "cx": 21.0, "cy": 14.0, "w": 40, "h": 30}


@pytest.fixture
def dataset(tmp_path: Path, draw, turn):
    """Writes a transforms.json and its pictures; returns the folder."""

    def written(frames: list[dict] | None = None, pictures: tuple[str, ...] = ("images/1.png",), **top) -> Path:
        for name in pictures:
            draw(tmp_path / name)
        frames = frames if frames is not None else [{"file_path": name} for name in pictures]
        poses = (world_from_gl(turn(i)).tolist() for i in range(len(frames)))
        frames = [
            frame if "transform_matrix" in frame else frame | {"transform_matrix": next(poses)} for frame in frames
        ]
        content = {**(TOP | top), "frames": frames}
        content = {key: value for key, value in content.items() if value is not None}
        (tmp_path / "transforms.json").write_text(json.dumps(content))
        return tmp_path

    return written


def world_from_gl(R: torch.Tensor, position: tuple[float, float, float] = (0.3, -2.0, 5.0)) -> torch.Tensor:
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3], pose[:3, 3] = R, torch.tensor(position, dtype=torch.float64)
    return pose


def test_a_point_falls_on_the_pixel_that_opengl_gives(dataset, turn) -> None:
    """In OpenGL's axes a camera has x right, y up and looks along -z."""
    (shot,) = read(dataset()).shots
    pose = world_from_gl(turn(0))
    right, up, forward = 0.4, 0.7, 3.0
    point = pose @ torch.tensor([right, up, -forward, 1.0], dtype=torch.float64)
    pixel, z = shot.camera.project(point[None, :3].float())
    assert pixel[0].tolist() == pytest.approx([21 + 50 * right / forward, 14 - 48 * up / forward], abs=1e-3)
    assert float(z) == pytest.approx(forward, abs=1e-5)
    assert shot.pose_known
    assert shot.distortion is shot.mask is shot.depth is None


def test_the_file_itself_or_its_folder(dataset) -> None:
    folder = dataset(pictures=("images/1.png", "images/2.png"))
    by_folder, by_file = read(folder), read(folder / "transforms.json")
    assert (
        by_folder.files
        == by_file.files
        == tuple(folder / n for n in ("transforms.json", "images/1.png", "images/2.png"))
    )
    assert [shot.name for shot in by_file.shots] == ["1.png", "2.png"]
    assert by_folder.remarks == ()


def test_a_folder_of_blender_has_a_file_for_training(dataset) -> None:
    folder = dataset()
    assert file_in(folder / "images") is None
    (folder / "transforms.json").rename(folder / "transforms_train.json")
    assert file_in(folder) == folder / "transforms_train.json"
    assert [shot.name for shot in read(folder).shots] == ["1.png"]


def test_the_intrinsics_of_a_frame_win(dataset) -> None:
    frames = [{"file_path": "a.png"}, {"file_path": "b.png", "fl_x": 60, "fl_y": 61.0, "cx": 20, "k1": 0.1}]
    first, second = read(dataset(frames, ("a.png", "b.png"), k2=0.01)).shots
    assert (first.camera.fx, first.camera.fy, first.camera.cx) == (50, 48, 21)
    assert (second.camera.fx, second.camera.fy, second.camera.cx) == (60, 61, 20)
    assert first.distortion.coefficients == (0, 0.01, 0, 0, 0, 0)
    assert second.distortion.coefficients == (0.1, 0.01, 0, 0, 0, 0)


def test_blenders_scenes_have_an_angle_and_no_suffix(dataset) -> None:
    nothing = dict.fromkeys(TOP)
    folder = dataset([{"file_path": "./train/r_0"}], ("train/r_0.png",), camera_angle_x=1.2, **nothing)
    (shot,) = read(folder).shots
    camera = shot.camera
    assert 2 * math.atan(camera.width / 2 / camera.fx) == pytest.approx(1.2)
    assert (camera.fy, camera.cx, camera.cy, camera.width, camera.height) == (camera.fx, 20, 15, 40, 30)
    assert shot.name == "r_0.png"


def test_sizes_may_be_floats_and_another_size_scales_the_lens(dataset) -> None:
    (shot,) = read(dataset(w=80.0, h=60.0)).shots
    assert (shot.camera.width, shot.camera.height) == (40, 30)
    assert (shot.camera.fx, shot.camera.fy, shot.camera.cx, shot.camera.cy) == (25, 24, 10.5, 7)


def test_a_picture_of_another_shape_is_left_out(dataset, draw) -> None:
    folder = dataset(pictures=("a.png", "b.png"))
    draw(folder / "b.png", 40, 24)
    reading = read(folder)
    assert [shot.name for shot in reading.shots] == ["a.png"]
    assert "frames[1] (b.png): the picture has 40x24 pixels and its camera 40x30" in reading.remarks[0].text


@pytest.mark.parametrize(
    ("facts", "kind", "coefficients"),
    [
        ({"k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4, "k3": 0.5}, "radial_tangential", (0.1, 0.2, 0.3, 0.4, 0.5, 0)),
        ({"camera_model": "RADIAL", "k1": 0.1}, "radial_tangential", (0.1, 0, 0, 0, 0, 0)),
        ({"camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k4": 0.4}, "fisheye", (0.1, 0, 0, 0.4)),
        ({"camera_model": "OPENCV_FISHEYE"}, "fisheye", (0, 0, 0, 0)),
        ({"is_fisheye": True, "k2": 0.2}, "fisheye", (0, 0.2, 0, 0)),
    ],
)
def test_the_distortion_is_in_opencvs_order(dataset, facts: dict, kind: str, coefficients: tuple) -> None:
    (shot,) = read(dataset(**facts)).shots
    assert (shot.distortion.kind, shot.distortion.coefficients) == (kind, coefficients)


@pytest.mark.parametrize("model", ["EQUIRECTANGULAR", "FISHEYE624", 7, ["OPENCV"]])
def test_other_lenses_are_refused_by_name(dataset, model) -> None:
    with pytest.raises(UserError, match=r"camera_model is .*; wanted one of OPENCV") as refused:
        read(dataset(camera_model=model))
    assert str(model) in str(refused.value)


def test_what_nerfstudio_applied_to_all_poses_is_undone(dataset, turn) -> None:
    R, scale = turn(9), 0.25
    applied = torch.eye(4, dtype=torch.float64)
    applied[:3, :3], applied[:3, 3] = R, torch.tensor([1.0, 2.0, 3.0])
    original = world_from_gl(turn(1))
    stored = applied @ original
    stored[:3, 3] *= scale
    frames = [{"file_path": "images/1.png", "transform_matrix": stored.tolist()}]
    (undone,) = read(dataset(frames, applied_transform=applied[:3].tolist(), applied_scale=scale)).shots
    (plain,) = read(dataset([{"file_path": "images/1.png", "transform_matrix": original[:3].tolist()}])).shots
    torch.testing.assert_close(undone.camera.cam_from_world, plain.camera.cam_from_world, atol=1e-5, rtol=0)


def test_poses_far_from_the_origin_lose_nothing(dataset, turn) -> None:
    """As of a map of the earth in meters: float32 would hold half a meter there."""
    far = torch.tensor([4.1e6, -1.2e6, 4.8e6], dtype=torch.float64)
    poses = [world_from_gl(turn(i), tuple((far + 0.01 * i).tolist())) for i in range(2)]
    frames = [{"file_path": f"{i}.png", "transform_matrix": pose.tolist()} for i, pose in enumerate(poses)]
    first, second = (shot.camera for shot in read(dataset(frames, ("0.png", "1.png"))).shots)
    torch.testing.assert_close(second.center - first.center, torch.full((3,), 0.01), atol=1e-6, rtol=0)


def test_masks_and_depth_maps_come_with_their_unit(dataset, draw) -> None:
    maps = {"mask_path": "masks/1.png", "depth_file_path": "depths/1.png"}
    folder = dataset([{"file_path": "images/1.png", **maps}, {"file_path": "images/2.png", **maps}])
    for name in ("masks/1.png", "depths/1.png", "images/2.png"):
        draw(folder / name)
    reading = read(folder)
    assert {shot.mask for shot in reading.shots} == {folder / "masks/1.png"}
    assert {(shot.depth.path, shot.depth.unit) for shot in reading.shots} == {(folder / "depths/1.png", 0.001)}
    assert {folder / "masks/1.png", folder / "depths/1.png"} <= set(reading.files)
    (shot,) = read(dataset([{"file_path": "images/1.png", **maps}], depth_unit_scale_factor=0.5)).shots
    assert shot.depth.unit == 0.5


def test_a_mask_that_does_not_exist_is_said(dataset) -> None:
    reading = read(dataset([{"file_path": "images/1.png", "mask_path": "gone.png"}]))
    assert reading.shots[0].mask is None
    assert "its mask_path 'gone.png' does not exist" in reading.remarks[0].text


def test_pictures_come_in_natural_order_and_by_names_of_their_own(dataset) -> None:
    pictures = ("b/10.png", "b/9.png", "a/ü = 1.png", "b/1.png", "a/1.png")
    reading = read(dataset(pictures=pictures))
    assert [shot.name for shot in reading.shots] == ["a/1.png", "a/ü = 1.png", "b/1.png", "b/9.png", "b/10.png"]
    for shot in reading.shots:
        assert shot.read()[0].size == (40, 30)


def test_a_picture_named_twice_is_used_once(dataset) -> None:
    reading = read(dataset([{"file_path": "images/1.png"}, {"file_path": "./images/1"}]))
    assert [shot.name for shot in reading.shots] == ["1.png"]
    assert "1 entries name a picture that another one names" in reading.remarks[0].text


def test_a_picture_stays_as_it_is_stored_unless_the_lens_is_that_of_the_turned_one(dataset, draw) -> None:
    """nerfstudio and COLMAP pass over the orientation in EXIF."""
    turned = Image.Exif()
    turned[0x0112] = 6
    folder = dataset(pictures=("1.jpg",))
    draw(folder / "1.jpg", exif=turned)
    (shot,) = read(folder).shots
    assert shot.read()[0].size == (shot.camera.width, shot.camera.height) == (40, 30)
    (shot,) = read(dataset([{"file_path": "1.jpg"}], (), w=30, h=40)).shots
    assert shot.read()[0].size == (shot.camera.width, shot.camera.height) == (30, 40)


EYE = np.eye(4).tolist()
BAD_POSES = {
    "NaN": ([[math.nan, 0, 0, 0], *EYE[1:]], "wanted 16 finite ones below a billion"),
    "infinite": ([[1, 0, 0, math.inf], *EYE[1:]], "wanted 16 finite ones below a billion"),
    "mirrored": (np.diag([1.0, 1, -1, 1]).tolist(), "not a rotation"),
    "scaled": (np.diag([2.0, 2, 2, 1]).tolist(), "not a rotation"),
    "by columns": (np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 2, 3, 1]]).tolist(), "wanted 0 0 0 1"),
    "missing": (None, "wanted 16 numbers"),
    "short": (EYE[:2], "wanted 16 finite ones below a billion"),
    "words": ("from here", "wanted 16 numbers"),
}


@pytest.mark.parametrize(("matrix", "sentence"), BAD_POSES.values(), ids=BAD_POSES)
def test_a_bad_pose_leaves_its_frame_out(dataset, matrix, sentence: str) -> None:
    frames = [{"file_path": "a.png"}, {"file_path": "b.png", "transform_matrix": matrix}]
    reading = read(dataset(frames, ("a.png", "b.png")))
    assert [shot.name for shot in reading.shots] == ["a.png"]
    (note,) = reading.remarks
    assert note.level == "warning"
    assert "frames[1] (b.png): transform_matrix" in note.text
    assert sentence in note.text
    with pytest.raises(UserError, match=r"none of its pictures can be used: .*frames\[0\] \(b.png\)"):
        read(dataset(frames[1:], ("b.png",)))


def test_missing_pictures_are_said_and_counted(dataset) -> None:
    frames = [{"file_path": f"{i}.png"} for i in range(8)]
    reading = read(dataset(frames, ("3.png",)))
    assert [shot.name for shot in reading.shots] == ["3.png"]
    said = [note.text for note in reading.remarks]
    assert "frames[0] (0.png): there is no such picture" in said[0]
    assert len(said) == 4
    assert said[-1].endswith("and 4 more like these")
    with pytest.raises(UserError, match="there is no such picture"):
        read(dataset(frames[:2], ()))


@pytest.mark.parametrize(
    ("top", "sentence"),
    [
        ({"fl_x": -3}, "focal lengths are -3 48"),
        ({"fl_x": None, "fl_y": None}, "has no focal length; wanted `fl_x`"),
        ({"fl_x": 1e-5}, "focal lengths are 1e-05 48 pixels for a picture of 40x30"),
        ({"fl_x": 1e30}, "fl_x: got 1 numbers"),
        ({"cx": 1e200}, "cx and cy: got 2 numbers"),
        ({"fl_x": math.nan}, "fl_x: got 1 numbers"),
        ({"w": 0}, "its picture is 0x30"),
        ({"k1": "much"}, "distortion: could not convert"),
        ({"fl_x": None, "fl_y": None, "camera_angle_x": 4}, "camera_angle_x is 4; wanted radians"),
        ({"applied_transform": np.diag([1.0, 1, -1])[:3].tolist()}, "applied_transform"),
        ({"applied_scale": 0}, "applied_scale is 0; wanted a positive number"),
        ({"depth_unit_scale_factor": -1}, "depth_unit_scale_factor is -1; wanted a positive number"),
        ({"frames": []}, "no list `frames`"),
        ({"frames": {}}, "no list `frames`"),
        ({"frames": [3]}, r"frames\[0\] has no `file_path`"),
        ({"frames": [{"file_path": ""}]}, r"frames\[0\] has no `file_path`"),
    ],
)
def test_what_no_frame_can_do_without_is_named(dataset, top: dict, sentence: str) -> None:
    folder = dataset(**{key: value for key, value in top.items() if key != "frames"})
    if "frames" in top:
        (folder / "transforms.json").write_text(json.dumps(TOP | top))
    with pytest.raises(UserError, match=sentence):
        read(folder)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"frames": 1}', b"\xff\xfe\x00"])
def test_a_file_that_is_not_transforms_json_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "transforms.json").write_bytes(data)
    with pytest.raises(UserError, match=r"transforms.json: .*; wanted a transforms.json"):
        read(tmp_path)
    with pytest.raises(UserError, match="No such file"):
        read(tmp_path / "other.json")


def test_five_thousand_frames_are_read_quickly(dataset) -> None:
    folder = dataset(
        [{"file_path": f"images/{i}.png", "transform_matrix": EYE} for i in range(5000)], ("images/0.png",)
    )
    for i in range(1, 5000):
        (folder / f"images/{i}.png").hardlink_to(folder / "images/0.png")
    before = time.process_time()
    assert len(read(folder).shots) == 5000
    assert time.process_time() - before < 15


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just("images/1.png"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=8,
)
KEYS = (
    *("fl_x", "cy", "w", "h", "k1", "p2", "camera_model", "is_fisheye", "camera_angle_x", "applied_transform"),
    *("applied_scale", "depth_unit_scale_factor", "file_path", "mask_path", "depth_file_path", "transform_matrix"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=st.dictionaries(st.sampled_from(KEYS), ANYTHING), frame=st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_any_values_are_read_or_refused(dataset, top: dict, frame: dict) -> None:
    usual = {"file_path": "images/1.png", "transform_matrix": EYE}
    folder = dataset([usual | frame], **top)
    try:
        reading = read(folder)
    except UserError:
        return
    for shot in reading.shots:
        assert bool(shot.camera.K.isfinite().all() & shot.camera.cam_from_world.isfinite().all())
        assert shot.read()[0].size == (shot.camera.width, shot.camera.height)
    assert all(file.is_file() for file in reading.files)
