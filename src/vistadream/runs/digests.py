"""The sha256 of files. Those of large files, such as weights, are remembered, so that each is read once."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from vistadream.formats.files import cache_home, new_file, sha256_of

LARGE_BYTES = 64 * 2**20
"""Digests of files from this size on are remembered."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def digest_of(file: Path) -> str:
    """The sha256 of a file's bytes.

    The digest of a large file is kept in the user's cache, by path, size and time of the last change. A file that is
    changed without a change of its size and time therefore keeps its digest.
    """
    facts = os.stat(file)
    if facts.st_size < LARGE_BYTES:
        return sha256_of(file)
    key = f"{os.path.realpath(file)} {facts.st_size} {facts.st_mtime_ns}"
    remembered = cache_home() / "digests" / hashlib.sha256(os.fsencode(key)).hexdigest()
    with suppress(OSError, UnicodeDecodeError):
        if _SHA256.fullmatch(digest := remembered.read_text(encoding="ascii")):
            return digest
    digest = sha256_of(file)
    with suppress(OSError), new_file(remembered) as draft:
        draft.write_text(digest, encoding="ascii")
    return digest
