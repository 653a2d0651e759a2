"""Colored points as OBJ, for programs that read neither PLY nor glTF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from vistadream.core import ExportContext, Scene
from vistadream.exporters.cloud import CloudKnobs
from vistadream.formats.files import new_file
from vistadream.formats.gltf import GLTF_FROM_OPENCV

FILE = "points.obj"
_HEADER = "Colored points: v X Y Z RED GREEN BLUE, sRGB in 0 to 1. Y is up, -Z is forward."
_ROW = "v %.7g %.7g %.7g %.4f %.4f %.4f"


@dataclass(frozen=True)
class ObjPoints(CloudKnobs):
    """One vertex for each point, and no faces."""

    place: ClassVar[Literal["export"]] = "export"

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the file; UserError when no photo has depth."""
        cloud = self.require_cloud_of(scene, "obj")
        xyz = cloud.xyz.numpy() * np.diag(GLTF_FROM_OPENCV)[:3]
        with new_file(target / FILE) as draft:
            np.savetxt(draft, np.hstack([xyz, cloud.rgb.numpy()]), _ROW, header=_HEADER)
