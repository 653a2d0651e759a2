"""Our reading of a COLMAP model puts points on the pixels on which COLMAP puts them, for each lens that is read."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import UserError
from vistadream.formats.colmap import MODELS, ColmapCamera, ColmapImage, ColmapPoints, write_model
from vistadream.ops.image.distortion import bent
from vistadream.sources.posed.colmap import models_in, read
from vistadream.sources.shot import Shot

NO_POINTS = ColmapPoints(np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros(0), ())
PINHOLE = ColmapCamera(1, "PINHOLE", 40, 30, (50.0, 48.0, 21.0, 14.0))
EQUAL = {
    "SIMPLE_PINHOLE": (50.0, 21.0, 14.0),
    "PINHOLE": (50.0, 48.0, 21.0, 14.0),
    "SIMPLE_RADIAL": (50.0, 21.0, 14.0, 0.1),
    "RADIAL": (50.0, 21.0, 14.0, -0.1, 0.02),
    "OPENCV": (50.0, 48.0, 21.0, 14.0, -0.1, 0.02, 0.01, -0.008),
    "FULL_OPENCV": (50.0, 48.0, 21.0, 14.0, 0.1, 0.02, 0.01, -0.008, 0.03, 0.2, 0.05, 0.004),
    "SIMPLE_FISHEYE": (50.0, 21.0, 14.0),
    "FISHEYE": (50.0, 48.0, 21.0, 14.0),
    "SIMPLE_RADIAL_FISHEYE": (50.0, 21.0, 14.0, 0.1),
    "RADIAL_FISHEYE": (50.0, 21.0, 14.0, 0.1, -0.02),
    "OPENCV_FISHEYE": (50.0, 48.0, 21.0, 14.0, 0.03, -0.01, 0.002, -0.001),
}
"""A lens of each model that is read."""


def image(key: int, name: str, quat=(1.0, 0.0, 0.0, 0.0), translation=(0.0, 0.0, 0.0), camera: int = 1) -> ColmapImage:
    return ColmapImage(key, quat, translation, camera, name, np.zeros((0, 2)), np.zeros(0, dtype=np.int64))


@pytest.fixture
def model(tmp_path: Path, draw):
    """Writes a model and the pictures that it names; returns the folder of the data set."""

    def written(
        names: tuple[str, ...] = ("a.png",),
        cameras: tuple[ColmapCamera, ...] = (PINHOLE,),
        place: str = "sparse/0",
        pictures: str = "images",
        suffix: str = ".bin",
        images: list[ColmapImage] | None = None,
    ) -> Path:
        folder = tmp_path / "set"
        (folder / place).mkdir(parents=True, exist_ok=True)
        images = images or [image(i + 1, name) for i, name in enumerate(names)]
        write_model(folder / place, cameras, images, NO_POINTS, suffix)
        for each in images:
            draw(folder / pictures / each.name)
        return folder

    return written


def seen(shot: Shot, points: np.ndarray) -> np.ndarray:
    """The pixels of world points through the lens of the shot."""
    camera = shot.camera
    local = points @ camera.cam_from_world[:3, :3].double().numpy().T + camera.cam_from_world[:3, 3].double().numpy()
    rays = local[:, :2] / local[:, 2:]
    rays = bent(rays, shot.distortion) if shot.distortion else rays
    return rays * [camera.fx, camera.fy] + [camera.cx, camera.cy]


COLMAP = """
import json, sys
import pycolmap
model = pycolmap.Reconstruction(sys.argv[1])
points = json.loads(sys.argv[2])
found = {image.name: [image.project_point(point).tolist() for point in points] for image in model.images.values()}
print(json.dumps(found))
"""
"""In a process of its own, as pycolmap and OpenCV in one process can damage its memory."""


@pytest.mark.parametrize("suffix", [".bin", ".txt"])
def test_points_fall_where_colmap_puts_them(model, suffix: str) -> None:
    if find_spec("pycolmap") is None:
        pytest.skip("pycolmap, of the extra `dev`, is COLMAP's own reader")
    cameras = tuple(ColmapCamera(i, name, 40, 30, params) for i, (name, params) in enumerate(EQUAL.items(), 1))
    g = np.random.default_rng(0)
    images = []
    for camera in cameras:
        quat = np.array([1, 0, 0, 0]) + 0.1 * g.normal(size=4)
        w, x, y, z = (quat / np.linalg.norm(quat)).tolist()
        tx, ty, tz = (0.1 * g.normal(size=3)).tolist()
        images.append(image(camera.camera_id, f"{camera.model}.png", (w, x, y, z), (tx, ty, tz), camera.camera_id))
    folder = model(cameras=cameras, images=images, suffix=suffix)
    points = g.uniform([-0.8, -0.6, 2], [0.8, 0.6, 4], (20, 3))
    call = [sys.executable, "-c", COLMAP, str(folder / "sparse/0"), json.dumps(points.tolist())]
    theirs = json.loads(subprocess.run(call, capture_output=True, check=True, text=True).stdout)
    shots = read(folder).shots
    assert {shot.name.removesuffix(".png") for shot in shots} == set(EQUAL)
    for shot in shots:
        np.testing.assert_allclose(seen(shot, points), theirs[shot.name], atol=1e-4, err_msg=shot.name)
        assert (shot.distortion is None) == (shot.name in ("PINHOLE.png", "SIMPLE_PINHOLE.png"))


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(EQUAL)))
def test_other_lenses_are_refused_by_name(model, name: str) -> None:
    params = tuple([50.0] * len(MODELS[name][1].split()))
    with pytest.raises(UserError, match=f"its camera model is {name}; wanted one of SIMPLE_PINHOLE, PINHOLE"):
        read(model(cameras=(ColmapCamera(1, name, 40, 30, params),)))


@pytest.mark.parametrize("place", [".", "sparse", "sparse/0", "sparse/3", "colmap/sparse", "colmap/sparse/0"])
@pytest.mark.parametrize("pictures", ["images", "."])
def test_models_and_pictures_are_found(model, place: str, pictures: str) -> None:
    folder = model(place=place, pictures=pictures)
    assert models_in(folder) == [folder / place]
    (shot,) = read(folder).shots
    assert shot.read()[0].size == (40, 30)
    (by_model,) = read(folder / place).shots
    assert np.array_equal(np.asarray(by_model.read()[0]), np.asarray(shot.read()[0]))


def test_pictures_next_to_the_folder_of_the_model(model) -> None:
    folder = model(place="model/sparse", pictures="images")
    (shot,) = read(folder / "model").shots
    assert shot.name == "a.png"


def test_the_model_with_most_images_is_used_and_said(model) -> None:
    model(("a.png", "b.png"), place="sparse/10")
    folder = model(("a.png",), place="sparse/2")
    reading = read(folder)
    assert models_in(folder) == [folder / "sparse/2", folder / "sparse/10"]
    assert [shot.name for shot in reading.shots] == ["a.png", "b.png"]
    assert [note.text for note in reading.remarks] == [
        f"{folder}: of 2 models {folder / 'sparse/10'} is used, as it has the most images"
    ]
    assert {file.name for file in reading.files} == {"cameras.bin", "images.bin", "points3D.bin", "a.png", "b.png"}


def test_names_have_folders_blanks_and_umlauts(model) -> None:
    names = ("cam 1/10.png", "cam 1/9.png", "cam=2/9.png", "cam=2/ü.png")
    shots = read(model(names)).shots
    assert [shot.name for shot in shots] == ["cam 1/9.png", "cam 1/10.png", "cam=2/9.png", "cam=2/ü.png"]


@pytest.mark.parametrize("mask", ["masks/a/1.jpg.png", "masks/a/1.png", "images/masks/a/1.jpg.png"])
def test_masks_are_found_by_colmaps_names(model, draw, mask: str) -> None:
    folder = model(("a/1.jpg", "2.jpg"))
    draw(folder / mask)
    reading = read(folder)
    assert {shot.name: shot.mask for shot in reading.shots} == {"2.jpg": None, "a/1.jpg": folder / mask}
    assert folder / mask in reading.files


def test_a_picture_of_another_size_scales_the_lens(model, draw) -> None:
    folder = model()
    draw(folder / "images/a.png", 80, 60)
    (shot,) = read(folder).shots
    assert (shot.camera.width, shot.camera.height) == (80, 60)
    assert torch.diag(shot.camera.K).tolist() == [100, 96, 1]
    draw(folder / "images/a.png", 80, 50)
    with pytest.raises(UserError, match="the picture has 80x50 pixels and its camera 40x30; wanted one shape"):
        read(folder)


def test_missing_pictures_are_left_out_and_said(model) -> None:
    folder = model(("a.png", "b.png"))
    (folder / "images/b.png").unlink()
    reading = read(folder)
    assert [shot.name for shot in reading.shots] == ["a.png"]
    assert reading.remarks[0].text.startswith("left out: ")
    assert "images.bin (b.png): there is no such picture" in reading.remarks[0].text
    (folder / "images/a.png").unlink()
    with pytest.raises(UserError, match="none of its pictures can be used"):
        read(folder)


@pytest.mark.parametrize("file", ["cameras.bin", "images.bin"])
def test_a_file_that_is_cut_short_is_refused(model, file: str) -> None:
    path = model() / "sparse/0" / file
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=f"{file}: .*wanted a whole file"):
        read(path.parents[2])


@pytest.mark.parametrize(
    ("params", "translation", "sentence"),
    [
        ((1e300, 48.0, 21.0, 14.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "focal lengths are 1e"),
        ((50.0, 48.0, 1e200, 14.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "principal point: got 2 numbers"),
        ((50.0, 48.0, 21.0, 14.0, 1e200, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "distortion: got 4 numbers"),
        ((50.0, 48.0, 21.0, 14.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1e300, 0.0), "translation: got 3 numbers"),
    ],
)
def test_numbers_that_no_camera_has_are_refused(model, params, translation, sentence: str) -> None:
    images = [image(1, "a.png", translation=translation)]
    with pytest.raises(UserError, match=sentence):
        read(model(cameras=(ColmapCamera(1, "OPENCV", 40, 30, params),), images=images))


def test_a_quaternion_that_is_none_leaves_its_image_out(model) -> None:
    images = [image(1, "a.png"), image(2, "b.png", (0.0, 0.0, 0.0, 0.0))]
    reading = read(model(images=images))
    assert [shot.name for shot in reading.shots] == ["a.png"]
    assert "its quaternion has length 0" in reading.remarks[0].text


def test_a_folder_without_a_model_or_without_images_is_refused(model, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no COLMAP model; wanted images and cameras"):
        read(tmp_path)
    folder = model()
    write_model(folder / "sparse/0", [PINHOLE], [], NO_POINTS, ".bin")
    with pytest.raises(UserError, match="it names none"):
        read(folder)
    Image.new("RGB", (2, 2)).save(tmp_path / "images.png")
    assert models_in(tmp_path) == []
