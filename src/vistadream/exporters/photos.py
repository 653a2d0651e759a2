"""The photos of a scene as picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from vistadream.core import View
from vistadream.ops.image.pixels import to_uint8


def picture_names(photos: Sequence[View]) -> list[str]:
    """A file name for each photo: its own without white space, which COLMAP's text files need.

    They are numbers if two photos would have the same name.
    """
    names = ["_".join(view.name.split()) for view in photos]
    if len(set(names)) < len(names):
        names = [f"{i:06d}" for i in range(len(names))]
    return [f"{name}.png" for name in names]


def write_pictures(photos: Sequence[View], folder: Path) -> None:
    """Writes each photo under its name into a new folder."""
    folder.mkdir()
    for view, name in zip(photos, picture_names(photos), strict=True):
        Image.fromarray(to_uint8(view.rgb)).save(folder / name, compress_level=1)
