"""The digests of pictures, kept by name and version, so that a second start reads no picture again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from vistadream.batch.items import DIGEST_DIGITS
from vistadream.core import UserError
from vistadream.formats.files import sha256_of
from vistadream.formats.picture_head import picture_size

_RECORD = np.dtype([("key", "<u8"), ("digest", "<u8"), ("size_px", "<u4")])
_LARGEST_PX = 2**32 - 1


class Looked(NamedTuple):
    """What is known of a picture's file."""

    digest: str
    """The first 16 hex digits of its sha256."""
    size_px: int | None


class DigestCache:
    """A file of records of equal size, which grows. Whatever is wrong with it costs time, and nothing else."""

    def __init__(self, file: Path):
        self._file = file
        self._stream: BinaryIO | None = None
        self._new: dict[int, Looked] = {}
        self._known = self._read()
        self._keys = np.ascontiguousarray(self._known["key"])  # a strided one would be copied for each search

    def look(self, name: str, version: str, read: Callable[[], Looked]) -> Looked:
        """What is known of a picture, by its name and by what changes with its content; `read` finds it out."""
        key = int.from_bytes(hashlib.sha256(os.fsencode(f"{name}\0{version}")).digest()[:8], "little")
        if found := self._new.get(key) or self._found(key):
            return found
        found = self._new[key] = read()
        self._append(key, found)
        return found

    def close(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None

    def _read(self) -> np.ndarray:
        try:
            data = self._file.read_bytes()
        except OSError:
            return np.zeros(0, _RECORD)
        whole = len(data) - len(data) % _RECORD.itemsize
        return np.sort(np.frombuffer(data[:whole], _RECORD), order="key", kind="stable")

    def _found(self, key: int) -> Looked | None:
        at = int(self._keys.searchsorted(np.uint64(key)))
        if at == len(self._keys) or self._keys[at] != key:
            return None
        record = self._known[at]
        return Looked(f"{int(record['digest']):0{DIGEST_DIGITS}x}", int(record["size_px"]) or None)

    def _append(self, key: int, found: Looked) -> None:
        if self._stream is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._file.open("ab")
            self._stream.truncate(self._stream.tell() - self._stream.tell() % _RECORD.itemsize)
        record = np.array([(key, int(found.digest, 16), min(found.size_px or 0, _LARGEST_PX))], _RECORD)
        self._stream.write(record.tobytes())


def look_at(path: Path) -> Looked:
    """Reads a picture's bytes, and its head."""
    digest = sha256_of(path)[:DIGEST_DIGITS]
    try:
        width_px, height_px = picture_size(path)
    except UserError:  # the run will say what is wrong with it
        return Looked(digest, None)
    return Looked(digest, width_px * height_px)
