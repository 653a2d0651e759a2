"""The photos of a scene as picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from vistadream.core import View
from vistadream.ops.image.pixels import to_uint8


def picture_name(view: View) -> str:
    """The file name of a photo."""
    return f"{view.name}.png"


def write_pictures(photos: Sequence[View], folder: Path) -> None:
    """Writes each photo into a new folder."""
    folder.mkdir()
    for view in photos:
        Image.fromarray(to_uint8(view.rgb)).save(folder / picture_name(view), compress_level=1)
