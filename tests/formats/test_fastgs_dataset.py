"""The folder opens in COLMAP and by the stock 3DGS readers' rules, and both see every point where our cameras do."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import Camera, Gaussians, View


def seen_by(camera: Camera, points: torch.Tensor) -> np.ndarray:
    return camera.project(points)[0].numpy()


def test_colmap_reads_the_model(views: list[View], gaussians: Gaussians, dataset: Path) -> None:
    pycolmap = pytest.importorskip("pycolmap", reason="pycolmap is COLMAP's own reader")
    model = pycolmap.Reconstruction(dataset / "sparse" / "0")
    assert (model.num_images(), model.num_points3D()) == (3, len(gaussians))
    xyz = np.stack([model.points3D[i + 1].xyz for i in range(len(gaussians))])
    rgb = np.stack([model.points3D[i + 1].color for i in range(len(gaussians))])
    np.testing.assert_allclose(xyz, gaussians.means.numpy(), rtol=1e-6)
    np.testing.assert_allclose(rgb / 255, gaussians.colors.numpy(), atol=1e-6)
    for i, view in enumerate(views):
        image = model.images[i + 1]
        assert (dataset / "images" / image.name).is_file()
        assert (image.camera.width, image.camera.height) == (view.camera.width, view.camera.height)
        found = np.stack([image.project_point(point) for point in xyz])
        np.testing.assert_allclose(found, seen_by(view.camera, gaussians.means), atol=1e-3)


def stock_cameras(folder: Path) -> list[tuple[str, np.ndarray, float, float, tuple[int, int]]]:
    """Name, cam_from_world, fields of view and size of each image: what the stock 3DGS readers keep of a model.

    Their rules: cameras are PINHOLE, each image's line is followed by one of 2D points, the picture lies in images/
    under the name's last part, and of the lens only the fields of view are used.
    """
    cameras = {}
    for line in (folder / "sparse/0/cameras.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            key, model, width, height, fx, fy, *_ = line.split()
            assert model == "PINHOLE"
            cameras[key] = (int(width), int(height), float(fx), float(fy))
    found = []
    with (folder / "sparse/0/images.txt").open() as stream:
        while line := stream.readline():
            if line.strip() and not line.startswith("#"):
                _, *numbers, camera, name = line.split()
                w, x, y, z, *t = map(float, numbers)
                stream.readline()
                pose = np.eye(4)
                pose[:3, 3] = t
                pose[:3, :3] = [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
                ]
                width, height, fx, fy = cameras[camera]
                fov = (2 * math.atan(width / (2 * fx)), 2 * math.atan(height / (2 * fy)))
                found.append((Path(name).name, pose, *fov, (width, height)))
    return found


def test_stock_3dgs_readers_see_what_our_cameras_see(views, gaussians: Gaussians, dataset: Path) -> None:
    rows = np.loadtxt(dataset / "sparse/0/points3D.txt")
    assert rows.shape[1] == 8
    points = np.concatenate([rows[:, 1:4], np.ones((len(rows), 1))], axis=1)
    found = sorted(stock_cameras(dataset))
    assert len(found) == len(views)
    for (name, pose, fov_x, fov_y, size), view in zip(found, views, strict=True):
        with Image.open(dataset / "images" / name) as picture:
            assert picture.size == size
        x, y, z, _ = pose @ points.T
        ndc = np.stack([x / z / math.tan(fov_x / 2), y / z / math.tan(fov_y / 2)], axis=1)
        pixels = (ndc + 1) / 2 * size
        np.testing.assert_allclose(pixels, seen_by(view.camera, gaussians.means), atol=1e-3)
