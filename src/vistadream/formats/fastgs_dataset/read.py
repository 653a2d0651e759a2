"""Reads a dataset into Views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vistadream.core import Camera, UserError, View
from vistadream.core.scene import Origin
from vistadream.formats.fastgs_dataset.colmap import read_cameras, read_pictures
from vistadream.formats.fastgs_dataset.layout import view_files
from vistadream.formats.fastgs_dataset.maps import READERS
from vistadream.formats.fastgs_dataset.meta import read_meta, world_from_cam
from vistadream.formats.fastgs_dataset.sample import Sample
from vistadream.formats.fastgs_dataset.validate import validate_dataset
from vistadream.ops.image.pixels import from_uint8


def read_dataset(folder: Path) -> list[Sample]:
    """The Views that `write_dataset` wrote, in their order; UserError lists every fault of the dataset.

    `lift` is where geometry can be supervised, because the format does not store which pixels became Gaussians.
    """
    if faults := validate_dataset(folder):
        raise UserError("\n  ".join([f"{folder}: {len(faults)} fault(s); wanted a dataset without", *map(str, faults)]))
    cameras = read_cameras(folder, _refuse)
    lenses = {picture.name: cameras[picture.camera_id] for picture in read_pictures(folder, _refuse)}
    return [_sample(folder, entry, lenses) for entry in read_meta(folder)["views"]]


def _refuse(file: str, reason: str) -> None:
    raise UserError(f"{file}: {reason}")


def _sample(folder: Path, entry: dict[str, Any], lenses: dict[str, Camera]) -> Sample:
    files = view_files(entry["index"])
    maps = {kind: READERS[kind](folder / file, None) for kind, file in files.items()}
    rgb = from_uint8(maps.pop("image"))
    z, normals, geometry, supervise, generated = (
        torch.from_numpy(maps[kind]) for kind in ("depth", "normal", "mask", "supervise", "generated")
    )
    pose = torch.linalg.inv(world_from_cam(entry)).float()
    camera = lenses[Path(files["image"]).name].at(pose)
    origin: Origin = "novel" if entry["origin"] == "generated" else "photo"
    view = View(entry["name"], camera, rgb, z, supervise, geometry, generated, normals=normals, origin=origin)
    return Sample(view, normals, geometry)
