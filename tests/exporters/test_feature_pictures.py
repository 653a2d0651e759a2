"""Photos next to the features of Depth Anything 3, from its package with a tiny random network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.devices.fake_device import FakeDevice

from vistadream.config import compose
from vistadream.core import Scene, UserError
from vistadream.exporters.feature_pictures import FeaturePictures


@pytest.fixture
def export(tiny_depth_anything, tmp_path, context):
    """Writes the pictures of a scene by `backends/ROLE=depth_anything`; returns them by the names of the photos."""
    folder = tiny_depth_anything.write(tiny_depth_anything.wide_awake().state_dict(), tmp_path)

    def write(scene: Scene, role: str = "depth") -> dict[str, np.ndarray]:
        knobs = f"backends.{role}" if role == "depth" else f"backends.{role}.network"
        words = [f"backends/{role}=depth_anything", f"{knobs}.path={folder}", f"{knobs}.resolution_px=56"]
        job = "single_img" if role == "depth" else "multi_img"
        exporter = compose([*words, f"{knobs}.device=cpu", "export=[feat_vis]"], job=job).build("export")["feat_vis"]
        exporter(scene, tmp_path, context(scene))
        files = sorted((tmp_path / "feat_vis").iterdir())
        return {file.stem: np.asarray(Image.open(file).convert("RGB")).astype(float) for file in files}

    return write


def test_each_photo_stands_next_to_its_features(cube, export):
    pictures = export(cube)
    assert set(pictures) == {photo.name for photo in cube.photos}
    for photo in cube.photos:
        picture = pictures[photo.name]
        height, width = photo.rgb.shape[:2]
        assert picture.shape == (height, 2 * width, 3)
        assert np.abs(picture[:, :width] - 255 * photo.rgb.numpy()).mean() < 6, "JPEG"
        assert picture[:, width:].std() > 10


def test_all_photos_have_one_projection(cube, export):
    """A copy of a photo has the same colors, whatever stands between them."""
    first, second, third = cube.photos
    scene = Scene((first, second, replace(first, name="copy"), third))
    pictures = export(scene)
    assert np.array_equal(pictures[first.name], pictures["copy"])
    assert not np.array_equal(pictures[first.name], pictures[second.name])


@pytest.mark.parametrize("role", ["poses", "multi_depth"])
def test_every_role_of_depth_anything_shows_the_same(cube, export, role):
    one, other = export(cube), export(cube, role)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_scene_on_a_gpu_gives_the_same_pictures(cube, export):
    wanted = export(cube)
    with FakeDevice():
        found = export(cube.to("cuda"))
    assert all(np.array_equal(wanted[name], found[name]) for name in wanted)


def test_an_object_of_a_program_is_asked_too(cube, tmp_path, context):
    class Describes:
        def patch_features(self, views):
            return [view.rgb[::8, ::8] for view in views]

    exporter = compose(["export=[feat_vis]"], {"depth": Describes()}).build("export")["feat_vis"]
    exporter(cube, tmp_path, context(cube))
    assert len(list((tmp_path / "feat_vis").iterdir())) == len(cube.photos)


def test_without_depth_anything_there_is_one_sentence():
    with pytest.raises(UserError, match=r"export\.feat_vis: no backend of this run shows features; wanted Depth Any"):
        compose(["export=[feat_vis]"]).build("export")
    with pytest.raises(ValueError, match="or leave feat_vis out"):
        FeaturePictures({"depth": torch.nn.Identity()})
