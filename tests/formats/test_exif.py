"""Orientation and focal length are read whatever else an EXIF block holds, and reading never raises."""

import math
import struct

import numpy as np
import pytest
from PIL import Image

from vistadream.formats.exif import Exif, read_exif


def entry(order: str, tag: int, kind: int, value: bytes, count: int = 1) -> bytes:
    return struct.pack(f"{order}HHL", tag, kind, count) + value.ljust(4, b"\0")


def block(order: str, first: list[bytes], second: list[bytes], tail: bytes = b"") -> bytes:
    """An EXIF block of two directories; `tail` lies behind them."""
    at = 8 + 2 + 12 * (len(first) + 1) + 4
    first = [*first, entry(order, 0x8769, 4, struct.pack(f"{order}L", at))]
    tiff = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}L", 8)
    for entries in (first, second):
        tiff += struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4)
    return tiff + tail


def short(order: str, tag: int, value: int) -> bytes:
    return entry(order, tag, 3, struct.pack(f"{order}H", value))


def test_what_pillow_writes_is_read() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a maker with a long name"
    exif[0x8769] = {0xA405: 28}
    assert read_exif(exif.tobytes()) == Exif(6, 28)
    assert read_exif(exif.tobytes().removeprefix(b"Exif\0\0")) == Exif(6, 28)


@pytest.mark.parametrize("order", "<>")
def test_both_byte_orders(order: str) -> None:
    assert read_exif(block(order, [short(order, 0x0112, 8)], [short(order, 0xA405, 35)])) == Exif(8, 35)


@pytest.mark.parametrize(("kind", "layout"), [(4, "<L"), (8, "<h"), (9, "<l"), (11, "<f"), (1, "<B")])
def test_numbers_of_every_type_are_numbers(kind: int, layout: str) -> None:
    tags = [entry("<", 0xA405, kind, struct.pack(layout, 28))]
    assert read_exif(block("<", [short("<", 0x0112, 3)], tags)) == Exif(3, 28)


@pytest.mark.parametrize("fraction", [(28, 1), (56, 2)])
def test_a_fraction_is_read(fraction: tuple[int, int]) -> None:
    at = 8 + 2 + 24 + 4 + 2 + 12 + 4
    tags = [entry("<", 0xA405, 5, struct.pack("<L", at))]
    assert read_exif(block("<", [short("<", 0x0112, 3)], tags, struct.pack("<2L", *fraction))) == Exif(3, 28)


@pytest.mark.parametrize("value", [0, 9, 77, 65535])
def test_an_orientation_that_is_none(value: int) -> None:
    assert read_exif(block("<", [short("<", 0x0112, value)], [])) == Exif()


@pytest.mark.parametrize(
    "junk",
    [
        entry("<", 0xA405, 5, struct.pack("<L", 2**32 - 1)),
        entry("<", 0xA405, 5, struct.pack("<L", 8 + 2 + 24 + 4 + 2 + 12 + 4)),  # 0 / 0
        entry("<", 0xA405, 2, b"28"),
        entry("<", 0xA405, 7, b"28"),
        entry("<", 0xA405, 999, b"28"),
    ],
)
def test_a_focal_length_that_is_not_a_number_leaves_the_orientation(junk: bytes) -> None:
    exif = read_exif(block("<", [short("<", 0x0112, 6)], [junk], bytes(8)))
    assert exif == Exif(6)


def test_not_a_number_is_handed_on_as_such() -> None:
    assert math.isnan(read_exif(block("<", [], [entry("<", 0xA405, 11, struct.pack("<f", math.nan))])).focal_35mm_mm)


@pytest.mark.parametrize("junk", [b"", b"Exif\0\0", b"II*\0", b"nothing of the kind", b"MM\0*\xff\xff\xff\xff"])
def test_what_is_no_block_says_nothing(junk: bytes) -> None:
    assert read_exif(junk) == Exif()


def test_no_bytes_make_it_raise() -> None:
    """Cut and changed blocks: every result is one that a picture can have."""
    whole = block("<", [short("<", 0x0112, 6), entry("<", 0x9204, 10, b"\x38")], [short("<", 0xA405, 28)], bytes(8))
    rng = np.random.default_rng(0)
    for _ in range(2000):
        data = np.frombuffer(whole, np.uint8).copy()
        places = rng.integers(0, len(data), rng.integers(1, 6))
        data[places] = rng.choice([0, 1, 255, 128, int(rng.integers(256))], len(places))
        exif = read_exif(data[: rng.integers(len(data) + 1)].tobytes())
        assert exif.orientation in (None, *range(1, 9))
        assert exif.focal_35mm_mm is None or isinstance(exif.focal_35mm_mm, (int, float))
