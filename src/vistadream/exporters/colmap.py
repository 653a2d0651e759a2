"""The photos with their cameras, and the points that they see, as a COLMAP model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch

from vistadream.core import ExportContext, Scene, SparsePoints, View
from vistadream.core.knobs import check_ranges
from vistadream.exporters.photos import picture_name, write_pictures
from vistadream.formats import colmap
from vistadream.formats.files import new_folder
from vistadream.ops.image.pixels import to_uint8

FOLDER = "colmap"
MODEL = "sparse/0"


@dataclass(frozen=True)
class ColmapModel:
    """A folder with the pictures and the model, in the layout that COLMAP and trainers of 3D Gaussians open."""

    place: ClassVar[Literal["export"]] = "export"

    format: Literal["bin", "txt"]

    def __post_init__(self) -> None:
        check_ranges(self)

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the folder; without points of a registration, the file of points is empty."""
        photos, points = scene.photos, scene.points or SparsePoints.empty()
        cameras = [colmap.camera_of(i, view.camera) for i, view in enumerate(photos, 1)]
        with new_folder(target / FOLDER) as draft:
            write_pictures(photos, draft / "images")
            (draft / MODEL).mkdir(parents=True)
            colmap.write_model(
                draft / MODEL, cameras, _images(photos, points), _points(photos, points), f".{self.format}"
            )


def _images(photos: Sequence[View], points: SparsePoints) -> list[colmap.ColmapImage]:
    images = []
    for i, view in enumerate(photos, 1):
        seen, px = points.seen_by(view.name)
        images.append(colmap.image_of(i, view.camera, picture_name(view), px.numpy(), seen.numpy() + 1))
    return images


def _points(photos: Sequence[View], points: SparsePoints) -> colmap.ColmapPoints:
    """The points with ids from 1; the tracks refer to the images as `_images` makes them."""
    return colmap.ColmapPoints(
        np.arange(1, len(points) + 1),
        points.xyz.double().numpy(),
        to_uint8(points.rgb),
        points.error_px.double().numpy(),
        _tracks(photos, points),
    )


def _tracks(photos: Sequence[View], points: SparsePoints) -> tuple[np.ndarray, ...]:
    """For each point the pairs of an image's id and the index of its 2D point there."""
    seen = [points.seen_by(view.name)[0] for view in photos]
    image = torch.cat([torch.full_like(one, i) for i, one in enumerate(seen, 1)])
    index = torch.cat([torch.arange(len(one)) for one in seen])
    order = torch.cat(seen).sort(stable=True)
    counts = torch.bincount(order.values, minlength=len(points)).tolist()
    pairs = torch.stack([image, index], dim=1)[order.indices]
    return tuple(track.numpy() for track in pairs.split(counts))
