"""Colored points as OBJ, read by NumPy and by trimesh."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vistadream.core import Scene, UserError
from vistadream.exporters.obj import ObjPoints

UPRIGHT = np.array([1, -1, -1])


def test_the_vertices_are_the_cube(cube: Scene, context, check_cube, tmp_path: Path) -> None:
    ObjPoints(40, 10_000)(cube, tmp_path, context(cube))
    comment, *lines = (tmp_path / "points.obj").read_text().splitlines()
    assert comment.startswith("# Colored points")
    words = np.array([line.split(" ") for line in lines])
    assert set(words[:, 0]) == {"v"}
    rows = words[:, 1:].astype(float)
    assert len(rows) == sum(int((view.z > 0).sum()) for view in cube.photos), "the canvas repeats a photo"
    check_cube(rows[:, :3] * UPRIGHT, rows[:, 3:])


def test_trimesh_reads_points_and_colors(cube: Scene, context, check_cube, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh", reason="trimesh, of the extra `dev`, reads OBJ")
    ObjPoints(40, 900)(cube, tmp_path, context(cube))
    read = trimesh.load(tmp_path / "points.obj")
    assert read.vertices.shape == (900, 3)
    check_cube(read.vertices * UPRIGHT, read.colors[:, :3] / 255, levels=1.01)


def test_without_depth_there_is_one_sentence(cube: Scene, context, tmp_path: Path) -> None:
    bare = Scene(tuple(replace(view, z=None) for view in cube.photos))
    with pytest.raises(UserError, match=r"export=\[obj\]: no pixel of a photo has depth; wanted"):
        ObjPoints(40, 900)(bare, tmp_path, context(bare))
    assert not list(tmp_path.iterdir())
