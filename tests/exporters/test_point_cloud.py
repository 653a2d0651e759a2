"""Colored points and cameras as glTF, read by pygltflib and by trimesh."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vistadream.core import Scene, UserError
from vistadream.exporters.point_cloud import PointCloudFile
from vistadream.formats.gltf import linear_rgb

UPRIGHT = np.diag([1.0, -1, -1, 1])


@pytest.fixture
def glb(cube: Scene, context, tmp_path: Path) -> Path:
    PointCloudFile(40, 10_000)(cube, tmp_path, context(cube))
    return tmp_path / "points.glb"


def srgb(linear: np.ndarray) -> np.ndarray:
    """The published inverse of the sRGB curve's decoding."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def test_colors_of_vertices_are_linear() -> None:
    levels = np.tile(np.arange(256)[:, None] / 255, 3)
    np.testing.assert_allclose(srgb(linear_rgb(levels)), levels, atol=1e-6)
    np.testing.assert_allclose(linear_rgb(np.full((1, 3), 0.5)), 0.214041, atol=1e-6)


def test_chunks_are_aligned_and_the_lengths_are_true(glb: Path) -> None:
    data = glb.read_bytes()
    magic, version, total, text = np.frombuffer(data[:16], "<u4")
    assert (magic, version, total) == (0x46546C67, 2, len(data))
    assert text % 4 == 0
    content = json.loads(data[20 : 20 + text])
    assert content["buffers"][0]["byteLength"] == np.frombuffer(data[20 + text : 24 + text], "<u4")[0]
    assert len(data) == 28 + text + content["buffers"][0]["byteLength"]


def test_pygltflib_reads_the_cube_and_the_opencv_cameras(glb: Path, cube: Scene, check_cube) -> None:
    pygltflib = pytest.importorskip("pygltflib", reason="pygltflib, of the extra `dev`, reads glTF")
    gltf = pygltflib.GLTF2().load(str(glb))

    def array(index: int) -> np.ndarray:
        accessor = gltf.accessors[index]
        view = gltf.bufferViews[accessor.bufferView]
        data = gltf.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
        values = np.frombuffer(data, "<f4").reshape(accessor.count, 3)
        assert (accessor.min, accessor.max) == (values.min(0).tolist(), values.max(0).tolist())
        return values

    points, *others = gltf.nodes
    (primitive,) = gltf.meshes[points.mesh].primitives
    assert primitive.mode == pygltflib.POINTS
    flip = np.array(gltf.scenes[0].extras["opencv_from_gltf"])[:3, :3]
    check_cube(array(primitive.attributes.POSITION) @ flip.T, srgb(array(primitive.attributes.COLOR_0)))
    for node, camera, view in zip(others[::2], others[1::2], cube.photos, strict=True):
        assert (node.name, camera.name) == (view.name, f"camera of {view.name}")
        assert (node.matrix, node.extras) == (camera.matrix, camera.extras)
        np.testing.assert_allclose(node.extras["cam_from_world"], view.camera.cam_from_world, atol=1e-6)
        np.testing.assert_allclose(node.extras["intrinsics"], view.camera.K, atol=1e-4)
        seen_from = UPRIGHT @ np.linalg.inv(np.array(node.matrix).reshape(4, 4).T) @ UPRIGHT
        np.testing.assert_allclose(seen_from, view.camera.cam_from_world, atol=1e-5)
        (lines,) = gltf.meshes[node.mesh].primitives
        assert lines.mode == pygltflib.LINES
        corners = array(lines.attributes.POSITION) @ UPRIGHT[:3, :3]
        at_picture = corners[corners[:, 2] > 0]
        px = at_picture @ view.camera.K.numpy().T / at_picture[:, 2:]
        assert set(map(tuple, np.rint(px[:, :2]).astype(int).tolist())) == {(0, 0), (64, 0), (64, 48), (0, 48)}
        lens = gltf.cameras[camera.camera].perspective
        assert np.tan(lens.yfov / 2) == pytest.approx(24 / 70)
        assert lens.aspectRatio == pytest.approx(64 / 48)


def test_trimesh_sees_a_corner_of_the_cube_at_its_pixel(glb: Path, cube: Scene) -> None:
    """The point that is nearest to the cube's nearest corner, seen by each camera of the file."""
    trimesh = pytest.importorskip("trimesh", reason="trimesh, of the extra `dev`, reads glTF")
    scene = trimesh.load(glb)
    vertices = scene.geometry["points"].vertices
    corner = cube.points.xyz[torch.cdist(cube.points.xyz, torch.zeros(1, 3)).argmin()]
    nearest = vertices[np.linalg.norm(vertices - corner.numpy() @ UPRIGHT[:3, :3], axis=1).argmin()]
    for view in cube.photos:
        in_camera = np.linalg.inv(scene.graph[view.name][0]) @ [*nearest, 1]
        x, y, z = UPRIGHT[:3, :3] @ in_camera[:3]
        px = np.array([view.camera.fx * x / z + view.camera.cx, view.camera.fy * y / z + view.camera.cy])
        assert np.abs(px - view.camera.project(corner)[0].numpy()).max() < 1


def test_points_of_the_registration_stand_in_for_missing_depth(cube: Scene, context, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh", reason="trimesh, of the extra `dev`, reads glTF")
    bare = Scene(tuple(replace(view, z=None) for view in cube.photos), points=cube.points)
    PointCloudFile(40, 900)(bare, tmp_path, context(bare))
    read = trimesh.load(tmp_path / "points.glb").geometry["points"].vertices
    np.testing.assert_allclose(read, cube.points.xyz.numpy() @ UPRIGHT[:3, :3], atol=1e-6)
    with pytest.raises(UserError, match=r"export=\[point_cloud\]: no pixel of a photo has depth; wanted"):
        PointCloudFile(40, 900)(replace(bare, points=None), tmp_path, context(bare))


@pytest.mark.parametrize("knobs", [(-1, 5), (101, 5), (40, 0)])
def test_values_that_are_not_possible_are_refused(knobs: tuple[float, int]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        PointCloudFile(*knobs)
