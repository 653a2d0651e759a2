"""The downloaded part of a file, and which file it belongs to."""

from __future__ import annotations

import json
import os
from pathlib import Path

from vistadream.formats.json_file import read_json


class Part:
    """`NAME.part` next to the target, and `NAME.part.json` with the length and the ETag of the whole file.

    A part whose JSON file cannot be read is discarded.
    """

    def __init__(self, target: Path):
        self._target = target
        self.path = target.with_name(f"{target.name}.part")
        self._facts = target.with_name(f"{target.name}.part.json")
        self.stitched = False
        """Whether the part consists of the bodies of several HTTP responses."""
        self.etag: str | None = None
        self.total: int | None = None
        try:
            facts = read_json(self._facts)
            self.etag, self.total = facts["etag"], facts["total"]
        except (OSError, ValueError, KeyError, TypeError):
            self.drop()

    @property
    def name(self) -> str:
        return self._target.name

    @property
    def size(self) -> int:
        """Bytes that were downloaded."""
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, etag: str | None, total: int | None) -> None:
        """Starts anew, for a file of `total` bytes (None: not known)."""
        self.drop()
        self.path.write_bytes(b"")
        self._facts.write_text(json.dumps({"etag": etag, "total": total}))
        self.etag, self.total = etag, total

    def drop(self) -> None:
        """Removes the part."""
        self.path.unlink(missing_ok=True)
        self._facts.unlink(missing_ok=True)
        self.etag = self.total = None
        self.stitched = False

    def finish(self) -> None:
        """Renames the complete part to the target."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(self.path, self._target)
        self._facts.unlink(missing_ok=True)
