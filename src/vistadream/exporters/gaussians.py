"""The scene's Gaussians in the file formats of other programs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

from vistadream.core import ExportContext, Gaussians, Note, Scene
from vistadream.core.knobs import check_choices, check_ranges
from vistadream.exporters.file_names import CONVERTED, GAUSSIAN_FORMATS, gaussians_file
from vistadream.exporters.viewer_flight import flight_of, flight_settings
from vistadream.exporters.viewer_settings import viewer_limits
from vistadream.formats.files import new_file
from vistadream.formats.ply import write_ply
from vistadream.formats.splat import write_splat
from vistadream.formats.splat_transform import (
    INSTALL,
    find_splat_transform,
    write_converted,
    write_spz,
    write_viewer,
)
from vistadream.ops.camera_path.pose import reach_of
from vistadream.ops.gaussians.filter_3d import filter_3d

_WRITERS = {"ply": write_ply, "splat": write_splat, "spz": write_spz}


@dataclass(frozen=True)
class GaussianFiles:
    """One file for each format."""

    place: ClassVar[Literal["export"]] = "export"

    formats: list[str]
    """Some of GAUSSIAN_FORMATS."""
    smoothing_px2: float
    """Variance added in all formats but "ply", which are for viewers: `ops.gaussians.filter_3d`, in squared pixels."""
    limit_viewer: bool
    """The camera of the page "html" stays where the scene holds."""

    def __post_init__(self) -> None:
        check_choices(self, formats=GAUSSIAN_FORMATS)
        check_ranges(self, smoothing_px2=(0, 1))
        if converted := [form for form in self.formats if form in CONVERTED]:
            find_splat_transform(f"export.gaussians.formats={converted[0]}")

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the files; the viewer's page starts at the photo's camera. None for a scene without Gaussians."""
        if not len(scene.gaussians):
            words = f"the stage {context.stage} makes no Gaussians, so neither they nor videos are exported; "
            context.observe("export/gaussians", Note(f"{words}export=[point_cloud,colmap] writes what there is"))
            return
        cameras = [view.camera for view in scene.views]
        smoothed = cache(lambda: filter_3d(scene.gaussians, cameras, self.smoothing_px2))
        for form in self.formats:
            with new_file(target / gaussians_file(form)) as draft:
                if form == "html":
                    self._write_viewer(smoothed(), draft, scene, context)
                else:
                    _WRITERS.get(form, write_converted)(scene.gaussians if form == "ply" else smoothed(), draft)

    def _write_viewer(self, gaussians: Gaussians, path: Path, scene: Scene, context: ExportContext) -> None:
        focus_z = reach_of(scene.anchor).focus_z
        reach = context.reach() if self.limit_viewer else None
        limits = viewer_limits(reach.moved, reach.turned_deg, focus_z) if reach else None
        flight = flight_of(scene.anchor.camera, context.flight.cameras())
        if not write_viewer(gaussians, path, flight_settings(flight, focus_z), limits):
            words = "this version of splat-transform has another viewer: its camera is not kept where the scene holds"
            context.observe("export/viewer", Note(f"{words}; wanted: {INSTALL}", "warning"))
