"""Removes most metadata from picture files without a change of their pixels, for metadata that a decoder refuses."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"


def without_metadata(data: bytes, keep_color_and_exif: bool) -> bytes:
    """The same picture without metadata; its color profile and EXIF are kept if `keep_color_and_exif`.

    Everything that the pixels need is kept, such as transparency; animation headers are not. A truncated file stays
    truncated. Files in formats that are not known here are returned unchanged.
    """
    strip = next((strip for magic, strip in _STRIP.items() if data[: len(magic)] == magic), None)
    return strip(data, keep_color_and_exif) if strip else _without_items(data)


def _png(data: bytes, keep: bool) -> bytes:
    """Critical chunks, transparency, and iCCP and eXIf if they are kept, each with a correct checksum."""
    wanted = (b"tRNS", b"iCCP", b"eXIf") if keep else (b"tRNS",)
    return _PNG + b"".join(
        chunk if chunk[4:5].isupper() else chunk[:-4] + struct.pack(">L", zlib.crc32(chunk[4:-4]))
        for chunk in _png_chunks(data)
        if chunk[4:5].isupper() or chunk[4:8] in wanted
    )


def _png_chunks(data: bytes) -> Iterator[bytes]:
    at = len(_PNG)
    while at + 8 <= len(data):
        end = at + 12 + struct.unpack_from(">L", data, at)[0]
        yield data[at:end]
        at = end


def _jpeg(data: bytes, keep: bool) -> bytes:
    """All segments except comments and application data. Adobe's segment, which describes the color coding, is kept."""
    kept, at = [_JPEG], len(_JPEG)
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":
        if data[at + 1 : at + 2] == b"\xff":  # a byte of padding
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        segment, at = data[at:end], end
        if not _is_jpeg_metadata(segment, keep):
            kept.append(segment)
    return b"".join(kept) + data[at:]


def _is_jpeg_metadata(segment: bytes, keep: bool) -> bool:
    marker, words = segment[1], segment[4:]
    if marker == 0xEE and words.startswith(b"Adobe"):
        return len(words) < 12
    if keep and words.startswith((b"ICC_PROFILE\0", b"Exif\0\0")):
        return False
    return 0xE0 <= marker <= 0xEF or marker == 0xFE


_TIFF_PIXEL_TAGS = {
    *(254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325),
    *(338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
}
"""The tags that describe how pixels are stored (TIFF 6.0), and the orientation."""
_TIFF_COLOR_AND_EXIF = {34665, 34675}


def _tiff(data: bytes, keep: bool) -> bytes:
    """The first directory with fewer entries, at the same offset, and without further directories."""
    order, wanted = "<" if data[:2] == b"II" else ">", _TIFF_PIXEL_TAGS | (_TIFF_COLOR_AND_EXIF if keep else set())
    if len(data) < 8:
        return data
    (start,) = struct.unpack_from(f"{order}L", data, 4)
    count = int.from_bytes(data[start : start + 2], "little" if order == "<" else "big")
    end = start + 2 + 12 * count
    entries = [data[at : at + 12] for at in range(start + 2, min(end, len(data) - 11), 12)]
    kept = [entry for entry in entries if struct.unpack_from(f"{order}H", entry)[0] in wanted]
    directory = struct.pack(f"{order}H", len(kept)) + b"".join(kept)
    return data[:start] + directory.ljust(end + 4 - start, b"\0") + data[end + 4 :]


def _without_items(data: bytes) -> bytes:
    """AVIF and HEIC: the metadata items get a type that decoders ignore."""
    if data[4:8] != b"ftyp":
        return data
    return re.sub(rb"(infe[\2\3]\0\0.{5,7})(?:Exif|mime)", rb"\1skip", data, flags=re.DOTALL)


_STRIP: dict[bytes, Callable[[bytes, bool], bytes]] = {_PNG: _png, _JPEG: _jpeg, b"II*\0": _tiff, b"MM\0*": _tiff}
