"""Colored points as OBJ, read by NumPy and by trimesh."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vistadream.core import Scene, UserError
from vistadream.exporters.obj import ObjPoints

UPRIGHT = np.array([1, -1, -1])
POINTS = {"mesh": "none", "mesh_depth": 8, "mesh_trim": 5}
SURFACE = ObjPoints(40, 10_000, mesh="poisson", mesh_depth=6, mesh_trim=4)


def test_the_vertices_are_the_cube(cube: Scene, context, check_cube, tmp_path: Path) -> None:
    ObjPoints(40, 10_000, **POINTS)(cube, tmp_path, context(cube))
    comment, *lines = (tmp_path / "points.obj").read_text().splitlines()
    assert comment.startswith("# Colored points")
    words = np.array([line.split(" ") for line in lines])
    assert set(words[:, 0]) == {"v"}
    rows = words[:, 1:].astype(float)
    assert len(rows) == sum(int((view.z > 0).sum()) for view in cube.photos), "the canvas repeats a photo"
    check_cube(rows[:, :3] * UPRIGHT, rows[:, 3:])


def test_trimesh_reads_points_and_colors(cube: Scene, context, check_cube, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh", reason="trimesh, of the extra `dev`, reads OBJ")
    ObjPoints(40, 900, **POINTS)(cube, tmp_path, context(cube))
    read = trimesh.load(tmp_path / "points.obj")
    assert read.vertices.shape == (900, 3)
    check_cube(read.vertices * UPRIGHT, read.colors[:, :3] / 255, levels=1.01)


def test_without_depth_there_is_one_sentence(cube: Scene, context, tmp_path: Path) -> None:
    bare = Scene(tuple(replace(view, z=None) for view in cube.photos))
    with pytest.raises(UserError, match=r"export=\[obj\]: no pixel of a photo has depth; wanted"):
        ObjPoints(40, 900, **POINTS)(bare, tmp_path, context(bare))
    assert not list(tmp_path.iterdir())


@pytest.fixture
def surface(cube: Scene, context, tmp_path: Path) -> Path:
    """The surface of the cube, as far as the photos see it."""
    SURFACE(cube, tmp_path, context(cube))
    assert [file.name for file in tmp_path.iterdir()] == ["mesh.obj"]
    return tmp_path / "mesh.obj"


def test_the_surface_is_that_of_the_cube(surface: Path, check_cube_surface) -> None:
    comment, *lines = surface.read_text().splitlines()
    assert comment.startswith("# Colored surface")
    vertices, faces = ([line.split()[1:] for line in lines if line[0] == letter] for letter in "vf")
    assert len(vertices) + len(faces) == len(lines)
    rows = np.array(vertices, float)
    check_cube_surface(rows[:, :3] * UPRIGHT, rows[:, 3:], np.array(faces, int) - 1)


def test_trimesh_reads_the_surface_with_its_colors(surface: Path, check_cube_surface) -> None:
    trimesh = pytest.importorskip("trimesh", reason="trimesh, of the extra `dev`, reads OBJ")
    read = trimesh.load(surface, process=False)
    check_cube_surface(read.vertices * UPRIGHT, read.visual.vertex_colors[:, :3] / 255, read.faces)


def test_the_same_points_give_the_same_surface(surface: Path, cube: Scene, context, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    SURFACE(cube, tmp_path / "again", context(cube))
    assert (tmp_path / "again" / "mesh.obj").read_bytes() == surface.read_bytes()


def test_a_surface_of_too_few_points_is_one_sentence(cube: Scene, context, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is left of the surface; wanted denser points: lower .*mesh_trim=9"):
        replace(SURFACE, mesh_trim=9)(cube, tmp_path, context(cube))
    assert not list(tmp_path.iterdir())


def test_points_of_the_registration_alone_are_no_surface(cube: Scene, context, tmp_path: Path) -> None:
    bare = replace(cube, views=tuple(replace(view, z=None) for view in cube.photos))
    with pytest.raises(UserError, match=r"export=\[obj\]: no pixel of a photo has depth"):
        SURFACE(bare, tmp_path, context(bare))


@pytest.mark.parametrize(("knob", "value"), [("mesh_depth", 0), ("mesh_depth", 14), ("mesh_trim", -1.0)])
def test_knobs_of_the_surface_have_their_range(knob: str, value: float) -> None:
    with pytest.raises(ValueError, match=knob):
        replace(SURFACE, **{knob: value})
