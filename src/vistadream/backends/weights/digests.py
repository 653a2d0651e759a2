"""Checks that a file has the published sha256."""

from __future__ import annotations

from pathlib import Path

from vistadream.backends.weights.errors import DownloadError
from vistadream.core import Note, tell
from vistadream.formats.files import sha256_of


def has_digest(file: Path, sha256: str, name: str) -> bool:
    """Whether the file has this sha256; the log calls it `name`."""
    tell(f"download/{name}", Note(f"{name}: checking its sha256"))
    return sha256_of(file) == sha256


def wrong_bytes(where: str, sha256: str) -> DownloadError:
    """The error for a file from `where` that does not have this sha256."""
    return DownloadError(
        f"{where} has other bytes than it should (sha256 is not {sha256[:12]}...): it was changed or damaged; try "
        "another source, or name a copy that you trust by the backend's knob `path`"
    )


def remove_download(file: Path) -> None:
    """Removes a downloaded file. In the hub's cache it is a link, whose target is removed too."""
    file.resolve().unlink()
    file.unlink(missing_ok=True)
