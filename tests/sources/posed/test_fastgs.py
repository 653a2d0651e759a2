"""What `export=[fastgs]` wrote is read again as photos with cameras, depth and masks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import Camera, Gaussians, UserError, View
from vistadream.formats.depth_map import read_depth_map
from vistadream.formats.fastgs_dataset import write_dataset
from vistadream.ops.image.pixels import snap, to_uint8
from vistadream.sources.posed.fastgs import is_in, read


def view_of(name: str, shift: float, painted: bool = False) -> View:
    camera = Camera.from_fov(60, 32, 24)
    pose = torch.eye(4)
    pose[0, 3] = shift
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(32), indexing="ij")
    z = 4 / (1 + 0.01 * rows)
    z[:3] = 0
    generated = (columns > 20) & painted
    return View(name, camera.at(pose), snap(torch.rand(24, 32, 3)), z, columns > 3, columns > 3, generated)


def write(folder: Path, *views: View) -> Path:
    gaussians = Gaussians(
        torch.rand(5, 3),
        torch.eye(4)[:1].expand(5, 4),
        torch.full((5, 3), 0.01),
        torch.full((5,), 0.9),
        torch.rand(5, 3),
    )
    assert write_dataset(views, gaussians, folder, "multi") == []
    return folder


def test_photos_come_back_with_all_that_was_known(tmp_path: Path) -> None:
    views = [view_of("IMG 2", 0.0), view_of("IMG 10", 0.3)]
    folder = write(tmp_path / "dataset", *views)
    reading = read(folder)
    assert [shot.name for shot in reading.shots] == ["IMG 2", "IMG 10"]
    assert reading.remarks == ()
    for shot, view in zip(reading.shots, views, strict=True):
        torch.testing.assert_close(shot.camera.K, view.camera.K, atol=1e-5, rtol=0)
        torch.testing.assert_close(shot.camera.cam_from_world, view.camera.cam_from_world, atol=1e-6, rtol=0)
        assert shot.pose_known
        assert np.array_equal(np.asarray(shot.read()[0]), to_uint8(view.rgb))
        assert torch.equal(read_depth_map(shot.depth.path) * shot.depth.unit, view.depth)
        assert np.array_equal(np.asarray(Image.open(shot.mask)) > 0, view.supervise.numpy())
        assert {shot.mask, shot.depth.path, folder / "meta.json"} <= set(reading.files)
    assert all(file.is_file() for file in reading.files)


def test_painted_views_are_left_out_and_said(tmp_path: Path) -> None:
    reading = read(write(tmp_path / "dataset", view_of("a", 0.1, painted=True), view_of("b", 0.2)))
    assert [shot.name for shot in reading.shots] == ["b"]
    assert reading.shots[0].depth.path.name == "000001.npy"
    assert "1 views with painted pixels are left out" in reading.remarks[0].text
    with pytest.raises(UserError, match="has no view that is a photo as a whole"):
        read(write(tmp_path / "painted", view_of("a", 0.1, painted=True)))


def test_a_folder_is_a_dataset_by_more_than_its_meta_json(tmp_path: Path) -> None:
    assert is_in(write(tmp_path / "dataset", view_of("a", 0.1)))
    (tmp_path / "meta.json").write_text("{}")
    assert not is_in(tmp_path)


def test_a_damaged_dataset_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "dataset", view_of("a", 0.1))
    (folder / "priors/depth/000000.npy").write_bytes(b"")
    with pytest.raises(UserError, match=r"1 fault|2 fault"):
        read(folder)
