"""EXIF blocks (EXIF 2.32, a small TIFF): the two numbers that are needed here, whatever else the block contains."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_ORIENTATION, _EXIF_DIRECTORY, _FOCAL_LENGTH_IN_35MM_FILM = 0x0112, 0x8769, 0xA405
_NUMBERS = {1: "B", 3: "H", 4: "L", 5: "2L", 6: "b", 8: "h", 9: "l", 10: "2l", 11: "f", 12: "d"}
"""The struct format of a number by the type of its tag; types 5 and 10 are fractions."""


@dataclass(frozen=True)
class Exif:
    """The numbers of an EXIF block; None for one that is missing or not valid."""

    orientation: int | None = None
    """1 to 8; with 1 the first row is the top and the first column the left side."""
    focal_35mm_mm: float | None = None
    """Focal length in millimeters of a lens with the same view on 35 mm film; the number is not checked."""


def read_exif(block: bytes) -> Exif:
    """The numbers in a block with or without its `Exif` header. Never raises: a damaged entry counts as missing."""
    tiff = block
    while tiff.startswith(b"Exif\0\0"):
        tiff = tiff[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return Exif()
    first = dict(_tags(tiff, order, *struct.unpack_from(f"{order}L", tiff, 4)))
    second = dict(_tags(tiff, order, int(first.get(_EXIF_DIRECTORY, len(tiff)))))
    orientation = first.get(_ORIENTATION, 0)
    return Exif(int(orientation) if orientation in range(1, 9) else None, second.get(_FOCAL_LENGTH_IN_35MM_FILM))


def _tags(tiff: bytes, order: str, start: int) -> Iterator[tuple[int, float]]:
    """Tag and first number of each numeric entry of the directory at `start`, as far as it can be read."""
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
    """The first number of a tag, which is in the last field of its entry or at the offset stored there."""
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
