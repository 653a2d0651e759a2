"""A surface through points, by COLMAP's Poisson mesher."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import plyfile
from jaxtyping import Float32, Int32, UInt8

from vistadream.colmap.process import Task, run_task

_MESH = Task("mesh", "join the points to a surface", "export/mesh", "leave export.obj.mesh=poisson out")
_XYZ, _NORMAL, _RGB = ("x", "y", "z"), ("nx", "ny", "nz"), ("red", "green", "blue")


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of triangles with colored vertices."""

    xyz: Float32[np.ndarray, "n 3"]
    rgb: UInt8[np.ndarray, "n 3"]
    """sRGB."""
    faces: Int32[np.ndarray, "f 3"]
    """Indices into the vertices, counterclockwise as seen from the side to which the normals point."""


@dataclass(frozen=True)
class PoissonMesher:
    """The surface of a smooth solid that has given points and normals, cut off where there are few points."""

    depth: int
    """The surface is computed in cells that are as large as the extent of the points divided by 2**depth."""
    trim: float
    """It is cut off where points are sparser than cells of the extent divided by 2**trim."""

    def __call__(
        self,
        xyz: Float32[np.ndarray, "n 3"],
        normals: Float32[np.ndarray, "n 3"],
        rgb: UInt8[np.ndarray, "n 3"],
        near: Path,
    ) -> Mesh:
        """Works in a temporary folder in `near`. UserError when COLMAP fails."""
        with TemporaryDirectory(dir=near, prefix=".mesh-") as name:
            folder = Path(name)
            _write_points(folder / "points.ply", xyz, normals, rgb)
            run_task(folder, _MESH, seed=0, depth=self.depth, trim=self.trim)
            return _read_mesh(folder / "mesh.ply")


def _write_points(file: Path, xyz: np.ndarray, normals: np.ndarray, rgb: np.ndarray) -> None:
    rows = np.empty(len(xyz), [*((name, "<f4") for name in _XYZ + _NORMAL), *((name, "u1") for name in _RGB)])
    for names, columns in ((_XYZ, xyz), (_NORMAL, normals), (_RGB, rgb)):
        for i, name in enumerate(names):
            rows[name] = columns[:, i]
    plyfile.PlyData([plyfile.PlyElement.describe(rows, "vertex")], byte_order="<").write(str(file))


def _read_mesh(file: Path) -> Mesh:
    ply = plyfile.PlyData.read(str(file), known_list_len={"face": {"vertex_indices": 3}})
    xyz, rgb = (np.stack([np.asarray(ply["vertex"][name]) for name in names], axis=-1) for names in (_XYZ, _RGB))
    faces = np.asarray(ply["face"]["vertex_indices"], np.int32).reshape(-1, 3)
    return Mesh(xyz.astype(np.float32), rgb.astype(np.uint8), faces)
