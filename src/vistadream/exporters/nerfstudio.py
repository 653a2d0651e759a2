"""The photos with their cameras, masks and depth as nerfstudio reads them: transforms.json and a PLY of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import plyfile
from jaxtyping import UInt8, UInt16
from PIL import Image

from vistadream.core import Camera, ExportContext, Scene, View
from vistadream.exporters.cloud import CloudKnobs
from vistadream.exporters.photos import picture_name, write_pictures
from vistadream.formats.files import new_folder, write_json
from vistadream.formats.nerfstudio import OPENCV_FROM_OPENGL
from vistadream.ops.image.pixels import to_uint8
from vistadream.ops.views.point_cloud import PointCloud, has_depth

FOLDER = "nerfstudio"
POINTS = "sparse_pc.ply"
_NO_DISTORTION = dict.fromkeys(("k1", "k2", "p1", "p2"), 0.0)
_FURTHEST_MM = 65535


@dataclass(frozen=True)
class NerfstudioData(CloudKnobs):
    """A folder for `ns-train METHOD --data FOLDER`. Its world is that of the scene."""

    place: ClassVar[Literal["export"]] = "export"

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the folder. The points are those of the registration, else the trusted pixels of the photos.

        Masks are written if a photo has pixels that the fit need not match, depth if the scene is in meters.
        """
        photos = scene.photos
        maps: dict[str, Callable[[View], np.ndarray]] = {}
        if not all(bool(view.supervise.all()) for view in photos):
            maps["mask"] = _mask
        if scene.is_metric and all(view.z is not None for view in photos):
            maps["depth"] = depth_mm
        cloud = self._points_of(scene)
        with new_folder(target / FOLDER) as draft:
            write_pictures(photos, draft / "images")
            for kind, values in maps.items():
                _write_maps(photos, draft / f"{kind}s", values)
            if len(cloud):
                _write_ply(cloud, draft / POINTS)
            write_json(draft / "transforms.json", _transforms(photos, list(maps), bool(len(cloud))))

    def _points_of(self, scene: Scene) -> PointCloud:
        if scene.points is not None and len(scene.points):
            return PointCloud(scene.points.xyz, scene.points.rgb)
        return self.cloud_of(scene)


def _transforms(photos: Sequence[View], maps: Sequence[str], has_points: bool) -> dict[str, Any]:
    """The content of transforms.json; intrinsics that all photos share stand at the top."""
    lenses = [_intrinsics(view.camera) for view in photos]
    shared = lenses[0] if all(lens == lenses[0] for lens in lenses) else {}
    frames = [
        {
            "file_path": f"images/{picture_name(view)}",
            **({} if shared else lens),
            **{f"{'depth_file' if kind == 'depth' else kind}_path": f"{kind}s/{picture_name(view)}" for kind in maps},
            "transform_matrix": (view.camera.world_from_cam @ OPENCV_FROM_OPENGL).tolist(),
        }
        for view, lens in zip(photos, lenses, strict=True)
    ]
    points = {"ply_file_path": POINTS} if has_points else {}
    return {"camera_model": "OPENCV", **shared, **_NO_DISTORTION, **points, "frames": frames}


def _intrinsics(camera: Camera) -> dict[str, float]:
    K = {"fl_x": camera.fx, "fl_y": camera.fy, "cx": camera.cx, "cy": camera.cy}
    return {**K, "w": camera.width, "h": camera.height}


def _mask(view: View) -> UInt8[np.ndarray, "h w"]:
    """0 where a trainer is to ignore the picture."""
    return view.supervise.cpu().numpy().astype(np.uint8) * 255


def depth_mm(view: View) -> UInt16[np.ndarray, "h w"]:
    """Camera-space z in millimeters; 0 where it is unknown or further away than 16 bits can say."""
    mm = (view.depth.where(has_depth(view), 0).cpu().double() * 1000).round()
    return mm.where(mm <= _FURTHEST_MM, 0).cpu().numpy().astype(np.uint16)


def _write_maps(photos: Sequence[View], folder: Path, values: Callable[[View], np.ndarray]) -> None:
    folder.mkdir()
    for view in photos:
        Image.fromarray(values(view)).save(folder / picture_name(view))


def _write_ply(cloud: PointCloud, path: Path) -> None:
    columns = [*cloud.xyz.numpy().astype("<f4").T, *to_uint8(cloud.rgb).T]
    names = [(name, "<f4") for name in "xyz"] + [(name, "u1") for name in ("red", "green", "blue")]
    rows = np.rec.fromarrays(columns, dtype=names)
    plyfile.PlyData([plyfile.PlyElement.describe(rows, "vertex")], byte_order="<").write(str(path))
