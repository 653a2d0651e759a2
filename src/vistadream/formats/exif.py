"""EXIF blocks (EXIF 2.32, a TIFF in small): the two numbers that we need, whatever else is in the block."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_ORIENTATION, _EXIF_DIRECTORY, _FOCAL_LENGTH_IN_35MM_FILM = 0x0112, 0x8769, 0xA405
_NUMBERS = {1: "B", 3: "H", 4: "L", 5: "2L", 6: "b", 8: "h", 9: "l", 10: "2l", 11: "f", 12: "d"}
"""Layout of a number by the type of its tag; types 5 and 10 are fractions."""


@dataclass(frozen=True)
class Exif:
    """What an EXIF block says about the picture; None where it says nothing, or something that cannot be."""

    orientation: int | None = None
    """1 to 8; 1: the first row is the top and the first column the left side."""
    focal_35mm_mm: float | None = None
    """Focal length in millimeters of a lens with the same view on 35 mm film; never checked for being a lens."""


def read_exif(block: bytes) -> Exif:
    """The numbers in a block with or without its `Exif` header. Never raises: what is broken is absent."""
    tiff = block
    while tiff.startswith(b"Exif\0\0"):
        tiff = tiff[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return Exif()
    first = dict(_tags(tiff, order, *struct.unpack_from(f"{order}L", tiff, 4)))
    second = dict(_tags(tiff, order, int(first.get(_EXIF_DIRECTORY, len(tiff)))))
    orientation = first.get(_ORIENTATION)
    return Exif(int(orientation) if orientation in range(1, 9) else None, second.get(_FOCAL_LENGTH_IN_35MM_FILM))


def _tags(tiff: bytes, order: str, start: int) -> Iterator[tuple[int, float]]:
    """Tag and first number of each entry of the directory at `start` that holds numbers, as far as it can be read."""
    try:
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(f"{order}HHL", tiff, entry)
            number = _number(tiff, order, kind, entry + 8)
            if number is not None:
                yield tag, number
    except struct.error:
        return


def _number(tiff: bytes, order: str, kind: int, field: int) -> float | None:
    """The first number of a tag, which lies in its entry's last field or where that points to."""
    if kind not in _NUMBERS:
        return None
    layout = f"{order}{_NUMBERS[kind]}"
    try:
        at = field if struct.calcsize(layout) <= 4 else struct.unpack_from(f"{order}L", tiff, field)[0]
        numerator, *denominator = struct.unpack_from(layout, tiff, at)
    except struct.error:
        return None
    if denominator == [0]:
        return None
    return numerator / denominator[0] if denominator else numerator
