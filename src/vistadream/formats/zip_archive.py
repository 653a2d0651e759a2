"""A zip from outside: what is wrong with it is found from its directory alone, before any of it is unpacked.

Its files are unpacked one after the other, each never further than the directory says.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from vistadream.core import UserError

_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
_LEFT_OUT = ("__MACOSX", "Thumbs.db")
"""What systems add by themselves; names that begin with a dot are left out too."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_DIRECTORY_BYTES_EACH = 1_024
"""The part of the directory that describes one file: 46 bytes, its name, and remarks."""
_CHUNK = 1 << 16
_RATIO_FROM_BYTES = 1 << 16
"""Smaller files are harmless, however well they were compressed."""


@dataclass(frozen=True)
class ZipLimits:
    """What a zip may be."""

    max_files: int
    max_unpacked_mb: float
    max_ratio: float
    """How many times as large a file may become when it is unpacked."""


def is_zip(path: Path) -> bool:
    """Whether the content of a file begins as a zip does."""
    with path.open("rb") as stream:
        return stream.read(4) in _BEGINNINGS


class _Bounded:
    """A file of which no more than a number of bytes is read at once: the directory of a zip is read in one piece."""

    def __init__(self, stream: IO[bytes], most: int):
        self._stream, self._most = stream, most
        self.seekable, self.seek, self.tell, self.close = stream.seekable, stream.seek, stream.tell, stream.close

    def read(self, size: int = -1) -> bytes:
        """UserError where the directory is longer."""
        if size > self._most:
            raise UserError(f"the zip has a directory of {size} bytes; wanted a smaller one: fewer files")
        return self._stream.read(size)


@contextmanager
def opened(file: Path | IO[bytes], limits: ZipLimits) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """A zip and its pictures, as its directory describes them. UserError for what must not be unpacked.

    However many files it claims to have, no more memory is used than the allowed ones need.
    """
    most = (limits.max_files + 64) * _DIRECTORY_BYTES_EACH
    try:
        whole = file.open("rb") if isinstance(file, Path) else nullcontext(file)
        with whole as stream, zipfile.ZipFile(_Bounded(stream, most)) as archive:
            yield archive, _checked(archive, limits)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError) as error:
        raise UserError(f"the zip cannot be read ({error}); wanted a whole one") from error


def _checked(archive: zipfile.ZipFile, limits: ZipLimits) -> list[zipfile.ZipInfo]:
    infos = [info for info in archive.infolist() if not info.is_dir() and not _is_left_out(info)]
    if len(infos) > limits.max_files:
        raise UserError(f"the zip has {len(infos)} files; wanted at most {limits.max_files}")
    seen: set[str] = set()
    for info in infos:
        if why := _wrong(info, limits) or ("is there twice" if info.filename in seen else None):
            raise UserError(f"the file {info.filename[:100]!r} of the zip {why}; wanted a zip of pictures")
        seen.add(info.filename)
    if (size := sum(info.file_size for info in infos)) > limits.max_unpacked_mb * 1e6:
        wanted = f"wanted at most {limits.max_unpacked_mb:g} MB"
        raise UserError(f"the files of the zip have {size / 1e6:.0f} MB when they are unpacked; {wanted}")
    return infos


def _is_left_out(info: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(info.filename).parts
    return any(part in _LEFT_OUT or (part.startswith(".") and part != "..") for part in parts)


def _wrong(info: zipfile.ZipInfo, limits: ZipLimits) -> str | None:
    """What is wrong with one file, as the end of a sentence."""
    name, mode = info.filename, info.external_attr >> 16
    if name.startswith(("/", "\\")) or ":" in name.split("/")[0] or info.orig_filename != name:
        return "has a name that is no path inside of the zip"
    if ".." in name.replace("\\", "/").split("/"):
        return "has a name that leads out of the zip"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is a link or a device"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is compressed by a method other than deflate"
    if info.file_size > max(_RATIO_FROM_BYTES, info.compress_size * limits.max_ratio):
        return f"becomes {info.file_size / max(1, info.compress_size):.0f} times as large when it is unpacked"
    return None


def unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> tuple[str, int]:
    """Writes a file of a zip to the new file `target`: its sha256 and its size in bytes.

    UserError where it is not what the directory says, or is a zip itself.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(info) as source, target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                if (size := size + len(chunk)) > info.file_size:
                    raise zipfile.BadZipFile("it is longer than the directory says")
                file.write(chunk)
                digest.update(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        seen = f"the file {info.filename[:100]!r} of the zip cannot be unpacked ({error})"
        raise UserError(f"{seen}; wanted a whole zip") from error
    if is_zip(target):
        raise UserError(f"the file {info.filename[:100]!r} of the zip is a zip; wanted pictures in it")
    return digest.hexdigest(), size
