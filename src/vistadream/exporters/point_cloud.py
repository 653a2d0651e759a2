"""Colored points and the cameras of the photos as glTF, which nearly every 3D program opens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from vistadream.core import ExportContext, Scene
from vistadream.exporters.cloud import CloudKnobs
from vistadream.formats.files import new_file
from vistadream.formats.gltf import write_points

FILE = "points.glb"
_FRUSTUM = 0.1
"""The depth of a frustum, as a share of the median distance of the points from the first camera."""


@dataclass(frozen=True)
class PointCloudFile(CloudKnobs):
    """The points, and a frustum of lines for each photo's camera."""

    place: ClassVar[Literal["export"]] = "export"

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the file; UserError when no photo has depth."""
        cloud = self.require_cloud_of(scene, "point_cloud")
        size = _FRUSTUM * float((cloud.xyz - scene.anchor.camera.center).norm(dim=-1).median())
        cameras = {view.name: view.camera for view in scene.photos}
        with new_file(target / FILE) as draft:
            write_points(draft, cloud.xyz.numpy(), cloud.rgb.numpy(), cameras, size)
