"""A dataset of our own, which `export=[fastgs]` wrote: docs/fastgs_dataset.md."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from vistadream.core import Note, UserError, View
from vistadream.formats.fastgs_dataset import dataset_files, is_dataset, read_dataset
from vistadream.formats.fastgs_dataset.layout import CAMERAS, META, view_files
from vistadream.formats.picture import read_picture
from vistadream.sources.shot import DepthFile, Reading, Shot


def is_in(folder: Path) -> bool:
    """Whether a folder has the files of a dataset; other programs have files named meta.json too."""
    return is_dataset(folder) and (folder / CAMERAS).is_file()


def read(path: Path) -> Reading:
    """The photographed views with their cameras, depth and masks, in the order of the dataset.

    Views with painted pixels are left out with a Note. UserError lists every fault of the dataset, or says that it has
    no photographed view.
    """
    views = [sample.view for sample in read_dataset(path)]
    shots = tuple(_shot(path, i, view) for i, view in enumerate(views) if not view.generated.any())
    if not shots:
        raise UserError(f"{path}: has no view that is a photo as a whole; wanted a dataset made from photos")
    painted = len(views) - len(shots)
    notes = [Note(f"{path}: {painted} views with painted pixels are left out")] if painted else []
    files = (path / META, *(path / file for file in dataset_files(len(views))))
    return Reading(shots, files, tuple(notes))


def _shot(folder: Path, index: int, view: View) -> Shot:
    files = {kind: folder / file for kind, file in view_files(index).items()}
    read = partial(read_picture, files["image"])
    return Shot(view.name, read, view.camera, True, None, files["supervise"], DepthFile(files["depth"], 1.0))
