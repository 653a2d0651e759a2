"""Strict validation: every fault of a dataset at once, each with its file and its reason."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from vistadream.core import Camera
from vistadream.formats.fastgs_dataset.colmap import Picture, count_points, read_cameras, read_pictures
from vistadream.formats.fastgs_dataset.layout import (
    BY_PRODUCTS,
    CAMERAS,
    IMAGES,
    META,
    POINTS,
    Fault,
    Report,
    dataset_files,
    view_files,
)
from vistadream.formats.fastgs_dataset.maps import READERS, Size
from vistadream.formats.fastgs_dataset.meta import ROTATION_TOLERANCE, check_meta, read_meta, world_from_cam
from vistadream.formats.files import sha256_of
from vistadream.ops.depth.align import MIN_PIXELS

_OFF_CENTER_PX = 0.26
"""The largest distance of the principal point from the middle, where readers that know only a field of view put it."""
_TRANSLATION = 1e-5
"""The largest difference of two translations, relative to 1 + their length."""


def validate_dataset(folder: Path) -> list[Fault]:
    """All faults of a dataset; an empty list when it is valid. If meta.json cannot be read, only that fault."""
    faults: list[Fault] = []

    def report(file: str, reason: str) -> None:
        faults.append(Fault(file, reason))

    try:
        meta = read_meta(folder)
    except ValueError as error:
        return [Fault(META, str(error))]
    check_meta(meta, report)
    _check_files(folder, meta, report)
    cameras, pictures = read_cameras(folder, report), read_pictures(folder, report)
    _check_cameras(cameras, report)
    _check_pictures(pictures, cameras, meta["views"], report)
    if (folder / POINTS).is_file() and not count_points(folder, report):
        report(POINTS, "holds no point; wanted some for other programs to start from")
    lenses = {picture.name: cameras.get(picture.camera_id) for picture in pictures}
    for index in range(len(meta["views"])):
        files = view_files(index)
        lens = lenses.get(Path(files["image"]).name)
        _check_maps(folder, files, (lens.height, lens.width) if lens else None, report)
    return faults


def _check_files(folder: Path, meta: dict, report: Report) -> None:
    wanted = set(dataset_files(len(meta["views"])))
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for file in sorted(wanted - found):
        report(file, "is missing")
    for file in sorted(found - wanted - BY_PRODUCTS - {META}):
        report(file, "does not belong here; wanted the files of docs/fastgs_dataset.md only")
    for file in sorted(wanted ^ set(meta["files"])):
        report(META, f"files {'lacks' if file in wanted else 'names'} {file}; wanted the sha256 of each file")
    for file in sorted(wanted & found & set(meta["files"])):
        if sha256_of(folder / file) != meta["files"][file]:
            report(file, f"its sha256 is not that of {META}: it was changed after the export")


def _check_cameras(cameras: dict[int, Camera], report: Report) -> None:
    for key, camera in cameras.items():
        off = (camera.cx - camera.width / 2, camera.cy - camera.height / 2)
        if not max(map(abs, off)) <= _OFF_CENTER_PX:
            report(CAMERAS, f"camera {key}: its principal point is {off} px off the middle; wanted it there")


def _check_pictures(
    pictures: Sequence[Picture], cameras: dict[int, Camera], views: Sequence[dict], report: Report
) -> None:
    wanted = {Path(view_files(i)["image"]).name: view for i, view in enumerate(views)}
    names = [picture.name for picture in pictures]
    for name in sorted({*wanted, *names}):
        if names.count(name) != (name in wanted):
            report(IMAGES, f"names {name} {names.count(name)} times; wanted {int(name in wanted)}")
    for picture in pictures:
        if picture.camera_id not in cameras:
            report(IMAGES, f"{picture.name}: camera {picture.camera_id} is not in {CAMERAS}")
        if picture.name in wanted:
            _check_pose(picture, wanted[picture.name], report)


def _check_pose(picture: Picture, view: dict, report: Report) -> None:
    """Reports a pose of images.txt that differs from the matrix in META, unless that matrix is a fault itself."""
    with suppress(ValueError):
        off = (picture.cam_from_world - torch.linalg.inv(world_from_cam(view))).abs()
        far = 1 + float(picture.cam_from_world[:3, 3].norm())
        if off[:3, :3].max() > ROTATION_TOLERANCE or off[:3, 3].max() > _TRANSLATION * far:
            report(IMAGES, f"{picture.name}: its pose is not that of {META}, off by up to {float(off.max()):.3g}")


def _check_maps(folder: Path, files: dict[str, str], size: Size | None, report: Report) -> None:
    """Reports the faults of the files of one view that exist."""
    maps: dict[str, np.ndarray] = {}
    for kind, file in files.items():
        if (folder / file).is_file():
            try:
                maps[kind] = READERS[kind](folder / file, size)
            except ValueError as error:
                report(file, str(error))
    if "mask" in maps:
        n = int(maps["mask"].sum())
        if n < MIN_PIXELS:
            report(files["mask"], f"{n} pixels may supervise geometry; wanted {MIN_PIXELS} or more")
        if size and "depth" in maps and (blind := int((maps["mask"] & (maps["depth"] == 0)).sum())):
            report(files["mask"], f"{blind} pixels may supervise geometry where no depth is known; wanted none")
