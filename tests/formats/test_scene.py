"""A Scene on disk: what is written is read back, unchanged views take no space, and scenes of version 0.1 are read."""

import json
from dataclasses import replace

import pytest
import torch

from vistadream.core import Camera, Gaussians, Scene, SparsePoints, UserError, View
from vistadream.formats.scene import load_scene, save_scene

H, W = 6, 8


def scene() -> Scene:
    camera, mask = Camera.from_focal(9.0, W, H), torch.ones(H, W, dtype=torch.bool)
    rgb = torch.randint(0, 256, (H, W, 3)) / 255
    photo = View("a", camera, rgb, None, mask, mask, ~mask, focal_known=False, pose_known=False, time_s=1.5)
    normals = torch.nn.functional.normalize(torch.randn(H, W, 3), dim=-1)
    canvas = replace(photo, name="b", z=torch.rand(H, W), normals=normals, origin="canvas", extends="a")
    novel = replace(photo, name="c", confidence=torch.rand(H, W), origin="novel")
    gaussians = Gaussians(torch.randn(3, 3), torch.randn(3, 4), torch.rand(3, 3), torch.rand(3), torch.rand(3, 3))
    return Scene((photo, canvas, novel), gaussians, is_metric=True)


def test_what_is_written_is_read_back(tmp_path):
    written = scene()
    save_scene(written, tmp_path / "s")
    found = load_scene(tmp_path / "s")
    assert found.is_metric
    for a, b in zip(written.views, found.views, strict=True):
        for name in ("name", "focal_known", "pose_known", "origin", "extends", "time_s"):
            assert getattr(a, name) == getattr(b, name)
        for name in ("z", "confidence", "normals", "supervise", "lift", "generated"):
            one, two = getattr(a, name), getattr(b, name)
            assert one is two is None or torch.equal(one, two)
        assert torch.allclose(a.rgb, b.rgb, atol=1e-6)
        assert torch.equal(a.camera.K, b.camera.K)


def test_points_of_several_photos_are_read_back(tmp_path):
    index = torch.tensor([0, 1, 1])
    points = SparsePoints(
        torch.randn(2, 3), torch.rand(2, 3), torch.rand(2), ("a", "c"), index, 1 - index, torch.rand(3, 2)
    )
    save_scene(replace(scene(), points=points), tmp_path / "s")
    found = load_scene(tmp_path / "s").points
    assert found.views == points.views
    for name in ("xyz", "rgb", "error_px", "point_of", "view_of", "px"):
        assert torch.equal(getattr(found, name), getattr(points, name))
    save_scene(scene(), tmp_path / "without")
    assert load_scene(tmp_path / "without").points is None


def test_damaged_points_are_one_sentence(tmp_path):
    save_scene(replace(scene(), points=SparsePoints.empty()), tmp_path / "s")
    (tmp_path / "s/points.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="is damaged"):
        load_scene(tmp_path / "s")


def test_an_unchanged_view_takes_no_space_and_a_changed_one_does(tmp_path):
    first = scene()
    save_scene(first, tmp_path / "1")
    moved = first.views[1].z + 1
    second = first.with_views(replace(first.views[1], z=moved))
    save_scene(second, tmp_path / "2", tmp_path / "1")
    shared = {file.name for file in (tmp_path / "2/views").iterdir() if file.stat().st_nlink == 2}
    assert {file.name for file in (tmp_path / "2/views").iterdir()} - shared == {"b.z.npy"}
    assert torch.equal(load_scene(tmp_path / "2").views[1].z, moved)
    assert torch.equal(load_scene(tmp_path / "1").views[1].z, first.views[1].z)


def test_a_scene_of_version_0_1_is_read(tmp_path):
    views = {"a": "input", "b": "outpaint", "c": "coarse_00"}
    old = tuple(
        replace(v, name=views[v.name], normals=None, extends="input" if v.extends else None) for v in scene().views
    )
    save_scene(Scene(old), tmp_path / "s")
    for file in (tmp_path / "s/views").glob("*.camera.json"):
        facts = json.loads(file.read_text())
        file.write_text(json.dumps({k: v for k, v in facts.items() if k not in ("origin", "extends", "pose_known")}))
    (tmp_path / "s/scene.json").write_text(json.dumps({"views": list(views.values())}))
    found = load_scene(tmp_path / "s")
    assert [view.origin for view in found.views] == ["photo", "canvas", "novel"]
    assert found.canvas_of(found.anchor).name == "outpaint"
    assert not found.is_metric


def test_a_view_that_names_another_folder_is_refused(tmp_path):
    save_scene(scene(), tmp_path / "s")
    (tmp_path / "s/scene.json").write_text(json.dumps({"views": ["../a"]}))
    with pytest.raises(UserError, match="plain name"):
        load_scene(tmp_path / "s")
