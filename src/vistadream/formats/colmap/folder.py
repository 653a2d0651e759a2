"""A folder with a model: three text files or three binary files. The rigs and frames of COLMAP 4 are ignored.

The file of images holds the pose of every image too, so that rigs and frames are not needed to get cameras.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

from vistadream.core import UserError
from vistadream.formats.colmap import binary, text
from vistadream.formats.colmap.model import ColmapCamera, ColmapImage, ColmapPoints
from vistadream.formats.colmap.text import Report

FILES = ("cameras", "images", "points3D")
Content = TypeVar("Content")


def suffix_of(folder: Path) -> str:
    """`.bin` for a complete binary model, which COLMAP prefers, or if images exist as binary only; else `.txt`."""
    whole = all(os.path.isfile(folder / f"{name}.bin") for name in FILES)
    alone = os.path.isfile(folder / "images.bin") and not os.path.isfile(folder / "images.txt")
    return ".bin" if whole or alone else ".txt"


def files_of(folder: Path) -> list[Path]:
    """The files of the model that are there, as text and as binary: all of them decide which are read."""
    files = (folder / f"{name}{suffix}" for name in FILES for suffix in (".bin", ".txt"))
    return [file for file in files if os.path.isfile(file)]


def read_cameras(folder: Path, report: Report | None = None) -> dict[int, ColmapCamera]:
    """The cameras by id.

    UserError names the file, the line and what is wrong. If `report` is given, it receives the faults of a text file
    instead, and the faulty entries are skipped. The same is true of the two functions below.
    """
    return _read(folder, "cameras", text.read_cameras, binary.read_cameras, report)


def read_images(folder: Path, report: Report | None = None) -> dict[int, ColmapImage]:
    """The images by id, in the order of the file."""
    return _read(folder, "images", text.read_images, binary.read_images, report)


def read_points(folder: Path, report: Report | None = None) -> ColmapPoints:
    """The 3D points, in the order of the file."""
    return _read(folder, "points3D", text.read_points, binary.read_points, report)


def write_model(
    folder: Path,
    cameras: Iterable[ColmapCamera],
    images: Iterable[ColmapImage],
    points: ColmapPoints,
    suffix: str = ".txt",
) -> None:
    """Writes the three files into an existing folder; `suffix` is `.txt` or `.bin`."""
    if suffix == ".bin":
        contents = [binary.cameras_bytes(cameras), binary.images_bytes(images), binary.points_bytes(points)]
    else:
        texts = (text.cameras_text(cameras), text.images_text(images), text.points_text(points))
        contents = [content.encode("utf-8", "surrogateescape") for content in texts]
    for name, content in zip(FILES, contents, strict=True):
        (folder / f"{name}{suffix}").write_bytes(content)


def _read(
    folder: Path,
    name: str,
    read_text: Callable[[bytes, Report], Content],
    read_binary: Callable[[bytes], Content],
    report: Report | None,
) -> Content:
    file = folder / f"{name}{suffix_of(folder)}"
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"{file}: cannot be read ({error.strerror}); wanted a folder with COLMAP's {name}.txt or {name}.bin"
        ) from error
    try:
        return read_binary(data) if file.suffix == ".bin" else read_text(data, report or _stop)
    except ValueError as error:
        raise UserError(f"{file}: {error}") from error


def _stop(reason: str) -> NoReturn:
    raise ValueError(reason)
