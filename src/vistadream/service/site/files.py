"""The files of the page and of its viewer, as they are sent: read once, with digest and media type."""

from __future__ import annotations

import gzip
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

PAGE = Path(__file__).parents[1] / "page"
"""What the service serves below /page/, and index.html at /."""
LIB = PAGE / "lib"
"""The files of the viewer, which /lib/ serves; they are fetched, and not in the repository."""
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}
"""No file of another kind is served."""
_PACKED_ALREADY = (".ico", ".png", ".webp")
_NAME = re.compile(r"(?:[\w-]+/)*[\w-]+(?:\.[\w-]+)+", re.ASCII)
"""Names of files below a folder. None of them leads out of it, and none begins with a dot."""
_KEPT = 128


@dataclass(frozen=True)
class PageFile:
    """A file as it is sent."""

    content: bytes
    packed: bytes | None
    """The same in gzip; None where that saves nothing."""
    digest: str
    media_type: str


def page_file(folder: Path, name: str) -> PageFile | None:
    """The file with this name below a folder; None where there is none that may be served."""
    path = folder / name
    if not _NAME.fullmatch(name) or path.suffix not in _MEDIA_TYPES:
        return None
    with suppress(OSError):
        about = path.lstat()
        if S_ISREG(about.st_mode):
            return _read(path, about.st_size, about.st_mtime_ns)
    return None


@lru_cache(_KEPT)
def _read(path: Path, _size: int, _changed_ns: int) -> PageFile:
    """The content of a file, kept for as long as its size and time of change stay."""
    content = path.read_bytes()
    packed = None if path.suffix in _PACKED_ALREADY else gzip.compress(content, 6, mtime=0)
    shorter = packed if packed and len(packed) < len(content) else None
    return PageFile(content, shorter, hashlib.sha256(content).hexdigest()[:32], _MEDIA_TYPES[path.suffix])
