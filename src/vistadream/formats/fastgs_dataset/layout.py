"""Names and constants of the format; docs/fastgs_dataset.md describes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SCHEMA_VERSION = 1
META = "meta.json"
CAMERAS, IMAGES, POINTS = (f"sparse/0/{name}.txt" for name in ("cameras", "images", "points3D"))
BY_PRODUCTS = {"sparse/0/points3D.ply"}
"""Files that the usual 3DGS readers write into a folder that they have opened."""
_MAPS = {
    "image": "images/{:06d}.png",
    "depth": "priors/depth/{:06d}.npy",
    "normal": "priors/normal/{:06d}.npy",
    "mask": "masks/{:06d}.png",
    "supervise": "supervise/{:06d}.png",
    "generated": "generated/{:06d}.png",
}
SOURCES = ("single", "multi")
"""single: made from one photograph; multi: from several."""
ORIGINS = ("photographed", "generated", "mixed")
CONVENTION = {
    "camera": "OpenCV axes: x right, y down, z forward; pixel centers at +0.5; principal point in the middle",
    "pose": "world_from_cam, 4x4 by rows; images.txt holds its inverse",
    "depth": "camera-space z in units of the world; 0 where unknown",
    "normal": "unit vectors in camera axes that face the camera; 0 0 0 where unknown",
    "mask": "255 where depth and normal may supervise geometry",
    "supervise": "255 where the picture may supervise colors",
    "generated": "255 where the picture was painted, not photographed",
}

Report = Callable[[str, str], None]
"""Receives a file of the dataset and what is wrong with it."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a dataset."""

    file: str
    """Relative to the dataset's folder."""
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


def view_files(index: int) -> dict[str, str]:
    """The files of a view by their kind."""
    return {kind: name.format(index) for kind, name in _MAPS.items()}


def dataset_files(n_views: int) -> list[str]:
    """Every file of a dataset except META, which holds their digests."""
    return [CAMERAS, IMAGES, POINTS, *(file for i in range(n_views) for file in view_files(i).values())]


def is_dataset(folder: Path) -> bool:
    """Whether the folder is a dataset by its files; it can still have faults."""
    return (folder / META).is_file()
