"""Several picture files as shots, with the masks that lie next to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from vistadream.core import Note, natural_order
from vistadream.formats.picture import read_picture, read_small_gray
from vistadream.ops.views.selection import LOOK_PX, Look, look_of
from vistadream.sources.shot import Reading, Shot

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
        *(".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm", ".mpo", ".tga"),
    }
)
"""How names of pictures end."""
MASKS = "masks"
"""The folder of masks next to the pictures."""


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder by their suffixes, in natural order, without masks and hidden files."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
    names = {file.name for file in files if file.is_file()}
    return [folder / name for name in sorted(names, key=natural_order) if Path(name).stem not in names]


def without_depth_maps(files: Sequence[Path]) -> tuple[Path, ...]:
    """The files without PNGs of 16-bit gray levels, as cameras of color and depth write them; all if all are such."""
    return tuple(file for file in files if not _is_depth_map(file)) or tuple(files)


def _is_depth_map(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(26)
    except OSError:
        return False
    return head.startswith(b"\x89PNG") and head[24:] == b"\x10\x00"  # bits of a level, and gray without alpha


def read_pictures(files: Sequence[Path], most: int) -> Reading:
    """The pictures as shots; of more than `most` only as many, evenly spread, are looked at."""
    chosen = [files[i] for i in sorted(set(np.linspace(0, len(files) - 1, min(most, len(files))).astype(int)))]
    remarks = () if len(chosen) == len(files) else (_thinned(len(files), len(chosen)),)
    in_one_folder = len({file.parent for file in files}) == 1
    shots = tuple(_shot(file, file.name if in_one_folder else str(file)) for file in chosen)
    with_masks = [each for file, shot in zip(chosen, shots, strict=True) for each in (file, shot.mask)]
    return Reading(shots, tuple(file for file in with_masks if file is not None), remarks)


def _thinned(there: int, chosen: int) -> Note:
    return Note(
        f"{there:,} pictures are more than can be used: every {there / chosen:.3g}th is looked at, {chosen} in all"
    )


def _shot(file: Path, name: str) -> Shot:
    return Shot(name, partial(read_picture, file), mask=mask_of(file), look=partial(_look, file))


def _look(file: Path) -> Look:
    return look_of(read_small_gray(file, LOOK_PX))


def mask_of(picture: Path) -> Path | None:
    """masks/NAME.EXT.png or masks/NAME.png, or NAME.EXT.png next to the picture; None when there is no mask.

    The folder masks/ lies next to the picture, or next to its folder if that is called images.
    """
    folder = picture.parent
    places = [folder / MASKS, *([folder.parent / MASKS] if folder.name == "images" else [])]
    files = [place / f"{name}.png" for place in places for name in (picture.name, picture.stem)]
    return next((file for file in (*files, folder / f"{picture.name}.png") if file.is_file()), None)
