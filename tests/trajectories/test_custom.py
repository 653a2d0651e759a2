"""Cameras from files: three formats, one convention; a fault is named with its file and its place."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vistadream.core import Camera, Scene, UserError, View
from vistadream.formats.camera_file import read_cameras
from vistadream.formats.colmap import ColmapPoints, read_images, write_model
from vistadream.formats.colmap import read_cameras as colmap_cameras
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.gaussians.rotation import quats_from_rotations
from vistadream.trajectories.custom import Custom

CAMERA = Camera.from_fov(60, 40, 30)
POSES = torch.stack(
    [
        look_at(torch.tensor(position), torch.tensor([0.2, 0.1, 3.0]), torch.tensor([0.0, 1.0, 0.0]))
        for position in ([0.0, 0.0, 0.1], [0.4, -0.2, 0.3], [-0.5, 0.1, 0.6])
    ]
)
LENS = Camera.from_focal(500.0, 640, 480, (322.0, 238.0))


def scene(z: float = 3.0) -> Scene:
    mask = torch.ones(30, 40, dtype=torch.bool)
    return Scene((View("input", CAMERA, torch.zeros(30, 40, 3), torch.full((30, 40), z), mask, mask, ~mask),))


def ours(folder: Path, key: str = "cam_from_world") -> Path:
    poses = POSES if key == "cam_from_world" else torch.linalg.inv(POSES)
    lens = {"K": LENS.K.tolist(), "width": LENS.width, "height": LENS.height}
    return dump(folder, {"cameras": [{key: pose.tolist(), **lens} for pose in poses]})


def nerfstudio(folder: Path, **more: Any) -> Path:
    """As its viewer exports: OpenGL axes, 16 numbers by rows, the vertical field of view in degrees."""
    gl = torch.linalg.inv(POSES) @ torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))
    entries = [{"camera_to_world": pose.flatten().tolist(), "fov": fov_deg(480, 500), "aspect": 4 / 3} for pose in gl]
    path = {"camera_type": "perspective", "render_height": 480, "render_width": 640, "fps": 24, "seconds": 2}
    return dump(folder, path | {"camera_path": entries} | more)


def colmap(folder: Path, model: str = "PINHOLE 640 480 500 500 322 238") -> Path:
    """Out of order on purpose, one image with 2D points and the others without."""
    lines = ["# Image list with two lines of data per image:"]
    quats = quats_from_rotations(POSES[:, :3, :3])
    for i in (2, 0, 1):
        numbers = [*quats[i].tolist(), *POSES[i, :3, 3].tolist()]
        lines += [f"{i + 1} {' '.join(map(str, numbers))} 1 frame {i}.png", "1.5 2.5 -1" if i == 0 else ""]
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    (folder / "cameras.txt").write_text(f"# Camera list\n1 {model}\n")
    return folder


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\n \n\t\n"])
def test_a_colmap_file_may_end_in_any_number_of_blank_lines(tmp_path: Path, end: str) -> None:
    file = colmap(tmp_path) / "images.txt"
    file.write_text(file.read_text().rstrip() + end)
    assert [entry.where.rpartition("(")[2] for entry in read_cameras(tmp_path)] == [f"frame {i}.png)" for i in range(3)]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = ours(tmp_path)
    wanted = read_cameras(file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert [entry.cam_from_world.tolist() for entry in read_cameras(file)] == [
        entry.cam_from_world.tolist() for entry in wanted
    ]


def dump(folder: Path, content: Any) -> Path:
    file = folder / "cameras.json"
    file.write_text(json.dumps(content))
    return file


def fov_deg(side_px: int, focal_px: float) -> float:
    return math.degrees(2 * math.atan(side_px / 2 / focal_px))


def custom(path: Path, place: str = "world", scale: float = 1.0, lens: str = "photo") -> Custom:
    return Custom(path, place, scale, lens)


def poses(cameras: list[Camera]) -> Tensor:
    return torch.stack([camera.cam_from_world for camera in cameras])


FORMATS = {
    "ours": ours,
    "ours, other way round": lambda folder: ours(folder, "world_from_cam"),
    "nerfstudio": nerfstudio,
    "colmap": colmap,
}


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
def test_every_format_gives_the_same_cameras_in_order(write, tmp_path: Path) -> None:
    entries = read_cameras(write(tmp_path))
    torch.testing.assert_close(torch.stack([e.cam_from_world for e in entries]), POSES, atol=1e-5, rtol=0)
    assert {(e.lens.width, e.lens.height) for e in entries} == {(640, 480)}
    assert {round(e.lens.fx, 3) for e in entries} == {500.0}


def test_the_path_passes_the_given_cameras_with_the_lens_of_the_photo(tmp_path: Path) -> None:
    cameras = custom(ours(tmp_path))(scene(), 5)
    torch.testing.assert_close(poses(cameras)[::2], POSES, atol=1e-5, rtol=0)
    assert all(torch.equal(camera.K, CAMERA.K) and camera.width == 40 for camera in cameras)


def test_it_is_laid_at_the_photo_and_scaled(tmp_path: Path) -> None:
    cameras = custom(ours(tmp_path), place="photo", scale=2.0)(scene(), 3)
    relative = POSES @ torch.linalg.inv(POSES[0])
    relative[:, :3, 3] *= 2
    torch.testing.assert_close(poses(cameras), relative, atol=1e-5, rtol=0)
    doubled = custom(ours(tmp_path), scale=2.0)(scene(), 3)
    torch.testing.assert_close(doubled[1].center, 2 * torch.tensor([0.4, -0.2, 0.3]), atol=1e-5, rtol=0)


def test_the_lens_of_the_file_is_used_when_asked_for_and_may_zoom(tmp_path: Path) -> None:
    content = json.loads(ours(tmp_path).read_text())
    content["cameras"][2]["K"][0][0] = 700.0
    cameras = custom(dump(tmp_path, content), lens="file")(scene(), 5)
    assert [round(camera.fx) for camera in cameras] == [500, 500, 500, 600, 700]
    assert {(camera.width, camera.height, camera.cx) for camera in cameras} == {(640, 480, 322.0)}


def test_it_is_never_changed_but_warns_where_it_leaves_free_space(tmp_path: Path) -> None:
    path = custom(ours(tmp_path), scale=5.0)
    clear = keep_clear(path, scene(), 3)
    torch.testing.assert_close(poses(clear.cameras), poses(path(scene(), 3)))
    assert clear.blocked == (2,)
    assert clear.note.level == "warning"


def test_the_example_of_the_docs_can_be_flown() -> None:
    cameras = custom(Path(__file__).parents[2] / "docs" / "cameras.json")(scene(), 9)
    torch.testing.assert_close(cameras[0].cam_from_world, torch.eye(4), atol=1e-6, rtol=0)


def spoil(write, change):
    """A writer whose JSON is changed before it is read."""

    def written(folder: Path) -> Path:
        content = json.loads(write(folder).read_text())
        change(content)
        return dump(folder, content)

    return written


def spoil_text(name: str, old: str, new: str):
    def written(folder: Path) -> Path:
        file = colmap(folder) / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        return folder

    return written


def write_text(text: str):
    def written(folder: Path) -> Path:
        (folder / "cameras.json").write_text(text)
        return folder / "cameras.json"

    return written


FAULTS = {
    "no file": (lambda folder: folder / "none.json", "none.json: no such camera file"),
    "an endless name": (lambda folder: folder / ("c" * 300), "cannot be read"),
    "a file taken for a folder": (lambda folder: ours(folder) / "c.json", "cannot be read"),
    "no JSON": (write_text("{"), "cannot be read as JSON"),
    "a huge number": (write_text('{"cameras": [' + "1" + "0" * 400 + "]}"), "a number has 401 digits"),
    "nested without end": (write_text("[" * 60_000), "nest 60000 deep"),
    "not a number": (write_text('{"cameras": [{"cam_from_world": NaN}]}'), "holds NaN"),
    "no list": (write_text('{"frames": []}'), "holds no list of cameras; wanted one under `cameras`"),
    "one camera": (spoil(ours, lambda c: c["cameras"].__delitem__(slice(1, 3))), r"holds 1 camera\(s\); wanted two"),
    "no pose": (spoil(ours, lambda c: c["cameras"][1].pop("cam_from_world")), r"cameras\[1\]: got 0 poses; wanted one"),
    "no camera": (spoil(ours, lambda c: c["cameras"].append(7)), r"cameras\[3\]: got 0 poses"),
    "a short matrix": (spoil(ours, lambda c: c["cameras"][2]["cam_from_world"].pop()), r"got 12 numbers .* wanted 16"),
    "no number": (spoil(ours, lambda c: c["cameras"][0].update(cam_from_world=[["x"]])), r"cam_from_world: could not"),
    "a mirror": (
        spoil(ours, lambda c: c["cameras"][0].update(cam_from_world=torch.diag(torch.tensor([-1, 1, 1, 1])).tolist())),
        r"cameras\[0\]\.cam_from_world: its upper left 3x3 is not a rotation",
    ),
    "by columns": (
        spoil(nerfstudio, lambda c: c["camera_path"][1].update(camera_to_world=POSES[1].T.flatten().tolist())),
        r"camera_path\[1\]\.camera_to_world: last row is .* write the matrix by rows",
    ),
    "no matrix": (spoil(nerfstudio, lambda c: c["camera_path"][0].pop("camera_to_world")), r"no `camera_to_world`"),
    "no fov": (spoil(nerfstudio, lambda c: c["camera_path"][0].update(fov=0)), r"fov: got 0; wanted 0 to 180"),
    "no size": (spoil(nerfstudio, lambda c: c.pop("render_width")), r"render_width and render_height"),
    "no model": (
        lambda folder: folder,
        "images.txt: cannot be read .* wanted a folder with COLMAP.s images.txt",
    ),
    "few words": (spoil_text("images.txt", " 1 frame 1.png", ""), r"images.txt: line 6: got 8 words; wanted IMAGE_ID"),
    "few parameters": (spoil_text("cameras.txt", " 238", ""), r"cameras.txt: line 2: got 3 parameters; wanted 4"),
}


@pytest.mark.parametrize(("write", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_place(write, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        custom(write(tmp_path))


def test_a_quaternion_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.txt").write_text("1 0 0 0 0 0 0 0 1 a.png\n\n")
    with pytest.raises(UserError, match=r"images.txt \(a.png\): its quaternion has length 0"):
        read_cameras(tmp_path)


def test_an_image_of_a_camera_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (colmap(tmp_path) / "cameras.txt").write_text("2 PINHOLE 640 480 500 500 322 238\n")
    with pytest.raises(UserError, match=r"frame 0.png\): its camera 1 is not in cameras.txt"):
        read_cameras(tmp_path)


def test_a_binary_model_gives_the_cameras_of_its_text(tmp_path: Path) -> None:
    colmap(tmp_path)
    text = read_cameras(tmp_path)
    points = ColmapPoints(*(np.zeros((0, *n)) for n in ((), (3,), (3,), ())), tracks=())
    write_model(tmp_path, colmap_cameras(tmp_path).values(), read_images(tmp_path).values(), points, ".bin")
    for name in ("cameras", "images"):
        (tmp_path / f"{name}.txt").unlink()
    binary = read_cameras(tmp_path)
    assert all(torch.equal(a.cam_from_world, b.cam_from_world) for a, b in zip(text, binary, strict=True))
    assert all(torch.equal(a.lens.K, b.lens.K) for a, b in zip(text, binary, strict=True))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda folder: colmap(folder, "OPENCV 640 480 500 500 322 238 0.1 0 0 0"), "frame 0.png.*has no pinhole lens"),
        (lambda folder: nerfstudio(folder, camera_type="equirectangular"), r"camera_path\[0\]: has no pinhole lens"),
        (spoil(ours, lambda c: c["cameras"][1].update(width=320)), r"cameras\[1\]: is 320x480 pixels; wanted 640x480"),
        (spoil(ours, lambda c: c["cameras"][1].update(width=0.5)), r"cameras\[1\]: its picture is 0.5x480"),
        (spoil(ours, lambda c: c["cameras"][0]["K"].__setitem__(0, [-5, 0, 3])), "focal lengths are -5 500 pixels"),
    ],
)
def test_lenses_are_checked_when_they_are_used(write, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        custom(write(tmp_path), lens="file")


@pytest.mark.parametrize(
    ("knob", "value"), [("place", "here"), ("lens", "both"), ("scale", 0.0), ("scale", float("inf"))]
)
def test_knobs_are_checked(knob: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"Custom\.{knob}: got .* wanted"):
        custom(ours(tmp_path), **{knob: value})
