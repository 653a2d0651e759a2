"""A transforms.json of nerfstudio or instant-ngp, or the folder that holds it."""

from __future__ import annotations

from pathlib import Path

from vistadream.formats.transforms import read_transforms
from vistadream.sources.posed.reading import reading_of
from vistadream.sources.shot import Reading

_FILES = ("transforms.json", "transforms_train.json")
"""The second one is that of Blender's scenes."""


def file_in(folder: Path) -> Path | None:
    """The file of cameras in a folder; None when there is none."""
    return next((folder / name for name in _FILES if (folder / name).is_file()), None)


def read(path: Path) -> Reading:
    """The pictures that the file names, with their cameras; those that are not there are left out with a Note.

    UserError when the file cannot be read or no picture is left.
    """
    file = file_in(path) or path / _FILES[0] if path.is_dir() else path
    faults: list[str] = []
    frames = read_transforms(file, faults.append)
    return reading_of(path, [file], frames, faults)
