"""The photos as a COLMAP model, read by COLMAP itself in a process of its own: it must not share one with OpenCV."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import Scene
from vistadream.exporters.colmap import ColmapModel
from vistadream.formats.colmap import read_images, read_points
from vistadream.ops.image.pixels import to_uint8
from vistadream.sources.posed.colmap import read

READ = """
import json, sys
import numpy as np, pycolmap
model = pycolmap.Reconstruction(sys.argv[1])
images = {}
for image in model.images.values():
    camera, pose = model.cameras[image.camera_id], image.cam_from_world()
    errors = [
        float(np.linalg.norm(camera.img_from_cam(pose * model.points3D[p.point3D_id].xyz) - p.xy))
        for p in image.points2D if p.has_point3D()
    ]
    images[image.name] = {
        "model": camera.model.name, "params": camera.params.tolist(), "size": [camera.width, camera.height],
        "cam_from_world": pose.matrix().tolist(), "errors_px": errors,
    }
points = [
    {"xyz": p.xyz.tolist(), "rgb": p.color.tolist(), "error": p.error, "track": len(p.track.elements)}
    for _, p in sorted(model.points3D.items())
]
print(json.dumps({"images": images, "points": points}))
"""
FORMATS = pytest.mark.parametrize("form", ["bin", "txt"])


def read_by_colmap(folder: Path) -> dict:
    if find_spec("pycolmap") is None:
        pytest.skip("pycolmap, of the extra `dev`, is COLMAP's own reader")
    done = subprocess.run([sys.executable, "-c", READ, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@FORMATS
def test_colmap_reads_cameras_and_points_with_tracks(form: str, cube: Scene, context, tmp_path: Path) -> None:
    ColmapModel(form)(cube, tmp_path, context(cube))
    model = read_by_colmap(tmp_path / "colmap" / "sparse" / "0")
    assert set(model["images"]) == {"middle.png", "left.png", "right.png"}
    for view in cube.photos:
        image = model["images"][f"{view.name}.png"]
        assert (image["model"], image["size"]) == ("PINHOLE", [64, 48])
        assert image["params"] == pytest.approx([70, 70, 30.5, 25.25], abs=1e-5)
        np.testing.assert_allclose(image["cam_from_world"], view.camera.cam_from_world[:3], atol=1e-5)
        assert len(image["errors_px"]) == 8
        assert max(image["errors_px"]) < 1e-3
    np.testing.assert_allclose([point["xyz"] for point in model["points"]], cube.points.xyz, atol=1e-6)
    assert [point["rgb"] for point in model["points"]] == to_uint8(cube.points.rgb).tolist()
    assert {(point["track"], point["error"]) for point in model["points"]} == {(3, 0.5)}


@FORMATS
def test_each_point_refers_to_the_images_that_see_it(form: str, cube: Scene, context, tmp_path: Path) -> None:
    """Points that few photos see, observations in any order, and views of the registration that are not photos."""
    points, rows = cube.points, torch.randperm(24)[:15]
    few = replace(points, point_of=points.point_of[rows], view_of=points.view_of[rows], px=points.px[rows])
    scene = replace(cube, points=few, views=cube.views[1:])
    ColmapModel(form)(scene, tmp_path, context(scene))
    model = tmp_path / "colmap" / "sparse" / "0"
    images, stored = read_images(model), read_points(model)
    names = {image.image_id: image.name.removesuffix(".png") for image in images.values()}
    assert set(names.values()) == {"left", "right"}
    told = {
        (names[image_id], int(key), *images[image_id].points_px[index].tolist())
        for key, track in zip(stored.ids, stored.tracks, strict=True)
        for image_id, index in track.tolist()
        if images[image_id].point_ids[index] == key
    }
    seen = zip(few.view_of.tolist(), few.point_of.tolist(), few.px.double().tolist(), strict=True)
    assert told == {(few.views[view], point + 1, *px) for view, point, px in seen if few.views[view] != "middle"}
    assert sum(map(len, stored.tracks)) == len(told)


@FORMATS
def test_without_a_registration_the_points_are_empty(form: str, scene: Scene, context, tmp_path: Path) -> None:
    ColmapModel(form)(scene, tmp_path, context(scene))
    folder = tmp_path / "colmap"
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    assert files == ["images/input.png", *(f"sparse/0/{name}.{form}" for name in ("cameras", "images", "points3D"))]
    model = read_by_colmap(folder / "sparse" / "0")
    assert model["points"] == []
    assert list(model["images"]) == ["input.png"]
    with Image.open(folder / "images" / "input.png") as picture:
        assert np.array_equal(np.asarray(picture), to_uint8(scene.anchor.rgb))


@FORMATS
def test_our_own_reader_gets_back_what_was_written(form: str, cube: Scene, context, tmp_path: Path) -> None:
    ColmapModel(form)(cube, tmp_path, context(cube))
    shots = {Path(shot.name).stem: shot for shot in read(tmp_path / "colmap").shots}
    assert shots.keys() == {view.name for view in cube.photos}
    for view in cube.photos:
        camera = shots[view.name].camera
        torch.testing.assert_close(camera.K, view.camera.K, atol=1e-5, rtol=0)
        torch.testing.assert_close(camera.cam_from_world, view.camera.cam_from_world, atol=1e-5, rtol=0)
        assert np.array_equal(np.asarray(shots[view.name].read()[0]), to_uint8(view.rgb))


def test_a_format_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted one of bin, txt"):
        ColmapModel("json")
