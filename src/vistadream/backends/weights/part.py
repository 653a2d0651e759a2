"""The part of a file that has come so far, and of which file it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

from vistadream.formats.json_file import read_json


class Part:
    """`NAME.part` beside the target, and `NAME.part.json` with the whole length and the ETag of what it is a part of.

    A part without readable facts counts as nothing.
    """

    def __init__(self, target: Path):
        self._target = target
        self.path = target.with_name(f"{target.name}.part")
        self._facts = target.with_name(f"{target.name}.part.json")
        self.stitched = False
        """Whether pieces of several answers were put together."""
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
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, etag: str | None, total: int | None) -> None:
        """Forgets what was here, for a file of so many bytes."""
        self.drop()
        self.path.write_bytes(b"")
        self._facts.write_text(json.dumps({"etag": etag, "total": total}))
        self.etag, self.total = etag, total

    def drop(self) -> None:
        """Removes what is here."""
        self.path.unlink(missing_ok=True)
        self._facts.unlink(missing_ok=True)
        self.etag = self.total = None
        self.stitched = False

    def finish(self) -> None:
        """Gives the whole file its name."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(self.path, self._target)
        self._facts.unlink(missing_ok=True)
