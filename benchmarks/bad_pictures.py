"""Files that are called pictures and cannot be used: the command must say one sentence of each."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import count, cycle

import numpy as np
from PIL import Image


def picture(size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A good one."""
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    return Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))


def jpeg(size: tuple[int, int] = (160, 120)) -> bytes:
    """The same as a file."""
    stream = io.BytesIO()
    picture(size).save(stream, "JPEG")
    return stream.getvalue()


def bomb() -> bytes:
    """A PNG of 30000 x 30000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


BAD = {
    "empty": b"",
    "text": b"this is no picture at all",
    "truncated": jpeg()[:900],
    "bomb": bomb(),
    "one_pixel": jpeg((1, 1)),
    "sliver": jpeg((4000, 20)),
}


def bad_files() -> Iterator[tuple[str, bytes]]:
    """Endlessly many files, by names that say of which kind each is. No two of them have the same bytes."""
    yield "empty-0", BAD["empty"]
    kinds = cycle(kind for kind in BAD if kind != "empty")
    for number in count(1):
        kind = next(kinds)
        yield f"{kind}-{number}", BAD[kind] + str(number).encode()
