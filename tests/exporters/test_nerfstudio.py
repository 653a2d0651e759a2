"""The photos as nerfstudio's own data: the keys that its reader asks for, and the poses and maps that it gets."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import plyfile
import pytest
import torch
from PIL import Image

from vistadream.core import Camera, Scene, View
from vistadream.exporters.nerfstudio import NerfstudioData, depth_mm
from vistadream.ops.image.pixels import to_uint8
from vistadream.sources.posed.nerfstudio import read

INTRINSICS = {"fl_x": float, "fl_y": float, "cx": float, "cy": float, "w": int, "h": int}
"""Keys that nerfstudio's data parser reads at the top or, if they are missing there, in every frame."""
TOP = {"camera_model": str, "k1": float, "k2": float, "p1": float, "p2": float, "frames": list}
OPTIONAL_TOP = {"ply_file_path": str}
FRAME = {"file_path": str, "transform_matrix": list}
OPTIONAL_FRAME = {"mask_path": str, "depth_file_path": str}
"""Keys that no frame has, or every one: nerfstudio refuses any other number."""
KNOBS = (40, 10_000)


def parsed(folder: Path) -> tuple[dict, list[dict]]:
    """The content and its frames with their intrinsics; every key is one that nerfstudio knows, and has its type."""
    content = json.loads((folder / "transforms.json").read_text())
    shared = {key: content[key] for key in INTRINSICS if key in content}
    frames = [shared | frame for frame in content["frames"]]
    optional = set(frames[0]) & set(OPTIONAL_FRAME)
    for values, kinds in [
        (
            content,
            {**TOP, **{key: OPTIONAL_TOP[key] for key in content if key in OPTIONAL_TOP}, **dict.fromkeys(shared)},
        ),
        *((frame, {**INTRINSICS, **FRAME, **{key: OPTIONAL_FRAME[key] for key in optional}}) for frame in frames),
    ]:
        assert values.keys() == kinds.keys()
        assert all(kind is None or type(values[key]) is kind for key, kind in kinds.items())
    return content, frames


def camera_of(frame: dict) -> Camera:
    """The camera of a frame by nerfstudio's documentation: camera-to-world, y up, z backwards."""
    world_from_cam = torch.tensor(frame["transform_matrix"])
    world_from_cam[:, 1:3] *= -1
    fx, fy, cx, cy = (frame[key] for key in ("fl_x", "fl_y", "cx", "cy"))
    K = torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    return Camera(K, torch.linalg.inv(world_from_cam), frame["w"], frame["h"])


def check_same(camera: Camera, wanted: Camera) -> None:
    torch.testing.assert_close(camera.cam_from_world, wanted.cam_from_world, atol=1e-5, rtol=0)
    torch.testing.assert_close(camera.K, wanted.K, atol=1e-5, rtol=0)
    assert (camera.width, camera.height) == (wanted.width, wanted.height)


def points_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    vertex = plyfile.PlyData.read(str(folder / "sparse_pc.ply"))["vertex"]
    return tuple(np.stack([vertex[name] for name in names], 1) for names in ("xyz", ("red", "green", "blue")))


def test_poses_and_points_come_back(cube: Scene, context, tmp_path: Path) -> None:
    NerfstudioData(*KNOBS)(cube, tmp_path, context(cube))
    folder = tmp_path / "nerfstudio"
    content, frames = parsed(folder)
    assert content["camera_model"] == "OPENCV"
    assert [content[key] for key in ("k1", "k2", "p1", "p2")] == [0, 0, 0, 0]
    assert "fl_x" in content, "photos of one lens share it"
    for frame, view in zip(frames, cube.photos, strict=True):
        check_same(camera_of(frame), view.camera)
        with Image.open(folder / frame["file_path"]) as picture:
            assert np.array_equal(np.asarray(picture), to_uint8(view.rgb))
    xyz, rgb = points_of(folder)
    np.testing.assert_allclose(xyz, cube.points.xyz, atol=1e-6)
    assert np.array_equal(rgb, to_uint8(cube.points.rgb))
    assert not (folder / "masks").exists()
    assert not (folder / "depths").exists(), "the unit is unknown"


def test_a_corner_of_the_cube_is_seen_at_its_pixel_by_every_frame(cube: Scene, context, tmp_path: Path) -> None:
    """The points of the file, seen by the cameras of the file."""
    NerfstudioData(*KNOBS)(cube, tmp_path, context(cube))
    folder = tmp_path / "nerfstudio"
    xyz = torch.from_numpy(points_of(folder)[0])
    for i, frame in enumerate(parsed(folder)[1]):
        px = camera_of(frame).project(xyz)[0]
        torch.testing.assert_close(px, cube.points.px[8 * i : 8 * i + 8], atol=1e-3, rtol=0)


def test_lenses_that_differ_stand_in_each_frame(cube: Scene, context, tmp_path: Path) -> None:
    first, second, third, _ = cube.views
    wide = replace(second, camera=second.camera.with_focal(50.0))
    scene = Scene((first, wide, third))
    NerfstudioData(*KNOBS)(scene, tmp_path, context(scene))
    content, frames = parsed(tmp_path / "nerfstudio")
    assert not set(INTRINSICS) & set(content)
    for frame, view in zip(frames, scene.photos, strict=True):
        check_same(camera_of(frame), view.camera)


def test_without_a_registration_the_pixels_are_the_points(cube: Scene, context, check_cube, tmp_path: Path) -> None:
    scene = replace(cube, points=None)
    NerfstudioData(*KNOBS)(scene, tmp_path, context(scene))
    xyz, rgb = points_of(tmp_path / "nerfstudio")
    check_cube(xyz, rgb / 255)


def test_without_any_point_the_file_names_none(cube: Scene, context, tmp_path: Path) -> None:
    scene = Scene(tuple(replace(view, z=None) for view in cube.photos), is_metric=True)
    NerfstudioData(*KNOBS)(scene, tmp_path, context(scene))
    content, frames = parsed(tmp_path / "nerfstudio")
    assert "ply_file_path" not in content
    assert "depth_file_path" not in frames[0]
    assert not (tmp_path / "nerfstudio" / "sparse_pc.ply").exists()


def test_masks_and_depth_in_meters_are_of_every_frame(cube: Scene, context, tmp_path: Path) -> None:
    first, second, *_ = cube.views
    masked = replace(first, supervise=torch.arange(64).expand(48, 64) >= 10)
    scene = Scene((masked, second), is_metric=True)
    NerfstudioData(*KNOBS)(scene, tmp_path, context(scene))
    folder = tmp_path / "nerfstudio"
    for frame, view in zip(parsed(folder)[1], scene.photos, strict=True):
        with Image.open(folder / frame["mask_path"]) as mask, Image.open(folder / frame["depth_file_path"]) as depth:
            assert (mask.mode, depth.mode) == ("L", "I;16")
            assert np.array_equal(np.asarray(mask), view.supervise.numpy() * np.uint8(255)), "0 is ignored"
            mm = np.asarray(depth).astype(float)
        np.testing.assert_allclose(mm, view.z.numpy() * 1000, atol=0.5001)


def test_our_own_reader_gets_back_what_was_written(cube: Scene, context, tmp_path: Path) -> None:
    first, second, third, _ = cube.views
    views = (replace(first, supervise=first.z > 0), replace(second, camera=second.camera.with_focal(50.0)), third)
    scene = Scene(views, is_metric=True)
    NerfstudioData(*KNOBS)(scene, tmp_path, context(scene))
    shots = {Path(shot.name).stem: shot for shot in read(tmp_path / "nerfstudio").shots}
    assert shots.keys() == {view.name for view in views}
    for view in views:
        shot = shots[view.name]
        check_same(shot.camera, view.camera)
        assert np.array_equal(np.asarray(shot.read()[0]), to_uint8(view.rgb))
        assert not np.any(shot.distortion.coefficients if shot.distortion else 0)
        with Image.open(shot.mask) as mask, Image.open(shot.depth.path) as depth:
            assert np.array_equal(np.asarray(mask) > 0, view.supervise.numpy())
            np.testing.assert_allclose(np.asarray(depth) * shot.depth.unit, view.z, atol=0.0005001)


@pytest.mark.parametrize(("z", "mm"), [(1.2344, 1234), (65.5354, 65535), (65.6, 0), (-1.0, 0), (torch.nan, 0)])
def test_depth_that_16_bits_cannot_say_is_unknown(z: float, mm: int, scene: Scene) -> None:
    view: View = replace(scene.anchor, z=torch.full((32, 48), z))
    assert (depth_mm(view) == mm).all()
