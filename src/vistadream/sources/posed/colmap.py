"""A folder with a COLMAP model and its pictures.

Cameras alone are taken from the model. Its points are not: registration triangulates new ones from the pictures with
these cameras, which also shows whether the cameras fit the pictures.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vistadream.core import Note, UserError, natural_order
from vistadream.formats import colmap
from vistadream.formats.colmap_cameras import frame_of, posed_images
from vistadream.sources.posed.reading import reading_of
from vistadream.sources.shot import Reading

_PLACES = (".", "sparse", "sparse/*", "colmap/sparse", "colmap/sparse/*")
"""Where a model is looked for; the first place that has any counts."""
_ABOVE = 4
"""In how many folders, from that of the model upwards, the pictures are looked for."""


def models_in(path: Path) -> list[Path]:
    """The folders with a model, all from the first place that has any; empty when there is none."""
    for place in _PLACES:
        if found := sorted(filter(_is_model, path.glob(place) if "*" in place else [path / place]), key=natural_order):
            return found
    return []


def read(path: Path) -> Reading:
    """The pictures that the model names, with their cameras; those that are not there are left out with a Note.

    Of several models the one with most images counts. UserError when a file is damaged or no picture is left.
    """
    models = models_in(path)
    if not models:
        raise UserError(
            f"{path}: holds no COLMAP model; wanted images and cameras as .bin or .txt, there or in sparse/0"
        )
    images = {model: posed_images(model) for model in models}
    model = max(models, key=lambda each: len(images[each]))
    root = _root(path, model, [each.image.name for each in images[model]])
    faults: list[str] = []
    frames = []
    for each in images[model]:
        try:
            frames.append(frame_of(each, _file(root / each.image.name), _mask(root, each.image.name)))
        except UserError as error:
            faults.append(str(error))
    chosen = [Note(f"{path}: of {len(models)} models {model} is used, as it has the most images")][: len(models) - 1]
    return reading_of(path, colmap.files_of(model), frames, faults, chosen)


def _root(path: Path, model: Path, names: Sequence[str]) -> Path:
    """The folder of the pictures: that in which most of the names are found."""
    above = [model.absolute(), *model.absolute().parents][:_ABOVE]
    folders = [path / "images", path, *(folder for each in above for folder in (each / "images", each))]
    return max(folders, key=lambda folder: sum(os.path.isfile(folder / name) for name in names))


def _mask(root: Path, name: str) -> Path | None:
    """masks/NAME.EXT.png, as COLMAP names it, or masks/NAME.png, in the folder of the pictures or next to it."""
    folders = (root.parent / "masks", root / "masks")
    files = (folder / each for folder in folders for each in (f"{name}.png", Path(name).with_suffix(".png")))
    return next((file for file in files if _file(file)), None)


def _file(path: Path) -> Path | None:
    return path if os.path.isfile(path) else None


def _is_model(folder: Path) -> bool:
    return all(any(_file(folder / f"{name}{suffix}") for suffix in (".bin", ".txt")) for name in ("cameras", "images"))
