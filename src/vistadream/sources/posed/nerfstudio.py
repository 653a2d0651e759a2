"""A transforms.json of nerfstudio or instant-ngp, or the folder that holds it."""

from __future__ import annotations

from pathlib import Path

from vistadream.formats.transforms import read_transforms
from vistadream.sources.posed.reading import reading_of
from vistadream.sources.shot import Reading

FILE = "transforms.json"


def read(path: Path) -> Reading:
    """The pictures that the file names, with their cameras; those that are not there are left out with a Note.

    UserError when the file cannot be read or no picture is left.
    """
    file = path / FILE if path.is_dir() else path
    faults: list[str] = []
    frames = read_transforms(file, faults.append)
    return reading_of(path, [file], frames, faults)
