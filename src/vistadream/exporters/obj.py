"""Colored points, or a surface through them, as OBJ, for programs that read neither PLY nor glTF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from vistadream.colmap.meshing import Mesh, PoissonMesher
from vistadream.core import ExportContext, Scene, UserError
from vistadream.core.knobs import FROM_0, check_ranges
from vistadream.exporters.cloud import CloudKnobs
from vistadream.formats.files import new_file
from vistadream.formats.gltf import GLTF_FROM_OPENCV
from vistadream.ops.image.pixels import to_uint8

POINTS, SURFACE = "points.obj", "mesh.obj"
_HEADER = "Colored {}: v X Y Z RED GREEN BLUE, sRGB in 0 to 1. Y is up, -Z is forward."
_ROW = "v %.7g %.7g %.7g %.4f %.4f %.4f"
_DEEPEST = 13
"""COLMAP's own depth; each further one takes four times the memory."""


@dataclass(frozen=True)
class ObjPoints(CloudKnobs):
    """One vertex for each point and no faces; or a surface of triangles."""

    place: ClassVar[Literal["export"]] = "export"

    mesh: Literal["none", "poisson"]
    """`poisson`: the surface of a smooth solid that the points lie on."""
    mesh_depth: int
    """The triangles are as large as the extent of the points divided by 2**mesh_depth."""
    mesh_trim: float
    """The surface is cut off where points are further apart than the extent divided by 2**mesh_trim; 0: nowhere."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, mesh_depth=(1, _DEEPEST), mesh_trim=FROM_0)

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the file; UserError when no photo has depth, or no surface is left."""
        if self.mesh == "poisson":
            surface = self._surface_of(scene, target)
            _write(target / SURFACE, "surface", surface.xyz, surface.rgb / 255, surface.faces)
        else:
            cloud = self.require_cloud_of(scene, "obj")
            _write(target / POINTS, "points", cloud.xyz.numpy(), cloud.rgb.numpy())

    def _surface_of(self, scene: Scene, target: Path) -> Mesh:
        cloud = self.require_oriented_cloud_of(scene, "obj")
        mesher = PoissonMesher(self.mesh_depth, self.mesh_trim)
        mesh = mesher(cloud.xyz.numpy(), np.asarray(cloud.normals), to_uint8(cloud.rgb), target)
        if not len(mesh.faces):
            raise UserError(
                f"export.obj.mesh=poisson: nothing is left of the surface; wanted denser points: lower "
                f"export.obj.mesh_trim={self.mesh_trim:g}, or raise export.obj.max_points"
            )
        return mesh


def _write(file: Path, what: str, xyz: np.ndarray, rgb: np.ndarray, faces: np.ndarray | None = None) -> None:
    with new_file(file) as draft, draft.open("w", encoding="ascii") as stream:
        upright = xyz * np.diag(GLTF_FROM_OPENCV)[:3]
        np.savetxt(stream, np.hstack([upright, rgb]), _ROW, header=_HEADER.format(what))
        if faces is not None:
            np.savetxt(stream, faces + 1, "f %d %d %d")
