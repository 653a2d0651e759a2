"""Pictures and viewer's settings of saved scenes, without a change in the run folder."""

import json

import pytest
import torch
from PIL import Image

from vistadream.core import Camera, Gaussians, Scene, View
from vistadream.formats.scene import save_scene
from vistadream.service.gallery.painters_work import answer


@pytest.fixture
def run(tmp_path):
    """A run folder with one stage: a green wall of Gaussians, 2 away, before a red photo."""
    camera, z = Camera.from_fov(60, 64, 48), torch.full((48, 64), 2.0)
    red, seen = torch.tensor([1.0, 0.0, 0.0]).expand(48, 64, 3), torch.ones(48, 64, dtype=torch.bool)
    photo, n = View("input", camera, red, z, seen, seen, ~seen), z.numel()
    green = torch.tensor([[0.0, 1.0, 0.0]]).expand(n, 3)
    quats, scales = torch.eye(4)[:1].expand(n, 4), torch.full((n, 3), 0.05)
    wall = Gaussians(camera.unproject(z).reshape(-1, 3), quats, scales, torch.full((n,), 0.99), green)
    folder = tmp_path / "run"
    save_scene(Scene((photo,), wall), folder / "03_initialize")
    (folder / "03_initialize" / "done.json").write_text('{"key": "k"}')
    return folder


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_thumbnail_is_the_scene_at_the_photos_place(run, tmp_path):
    before, target = files(run), tmp_path / "thumbnails" / "a.jpg"
    asked = {"do": "thumbnail", "run": str(run), "stage": "initialize", "target": str(target), "px": 32}
    assert answer(asked) == {"answer": None}
    with Image.open(target) as picture:
        assert (picture.format, picture.size) == ("JPEG", (32, 24))
        red, green, blue = picture.convert("RGB").getpixel((16, 12))
    assert green > 200 > 60 > max(red, blue)
    assert files(run) == before


def test_a_small_scene_is_enlarged_without_gaps(run, tmp_path):
    target = tmp_path / "a.jpg"
    answer({"do": "thumbnail", "run": str(run), "stage": "initialize", "target": str(target), "px": 320})
    with Image.open(target) as picture:
        assert picture.size == (320, 240)
        inner = picture.convert("RGB").crop((40, 40, 280, 200))
    assert inner.getchannel("G").getextrema()[0] > 200


def test_the_viewer_starts_at_the_photos_place(run):
    settings = answer({"do": "settings", "run": str(run), "stage": "initialize", "words": None, "job": "single_img"})
    camera = settings["answer"]["camera"]
    assert camera["position"] == pytest.approx([0, 0, 0])
    assert camera["target"] == pytest.approx([0, 0, 2], abs=1e-3)
    assert camera["fov"] == pytest.approx(60, abs=0.01)
    json.dumps(settings, allow_nan=False)


@pytest.mark.parametrize("damage", ["gaussians.ply", "scene.json"])
def test_a_damaged_scene_is_one_sentence_without_its_folder(run, tmp_path, damage):
    (run / "03_initialize" / damage).write_bytes(b"x")
    asked = {"do": "thumbnail", "run": str(run), "stage": "initialize", "target": str(tmp_path / "a.jpg"), "px": 32}
    said = answer(asked)["error"]
    assert "is damaged" in said
    assert str(run) not in said
    assert not (tmp_path / "a.jpg").exists()
