"""The errors that end a download: the file cannot be reached, or there is no space for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from vistadream.core import UserError


class DownloadError(UserError):
    """A file could not be downloaded; the part that was received is kept for the next try."""

    exit_code = 3


def disk_error(target: Path, error: OSError) -> UserError:
    """The error for a file that cannot be written."""
    return UserError(
        f"cannot write {target}: {error.strerror or error}; wanted a writable folder with free space: free some, or "
        "choose another with HF_HOME or --dest; the downloaded part is kept"
    )


def check_space(name: str, folder: Path, need_bytes: int) -> None:
    """Raises UserError if the disk of `folder`, which may not exist yet, has less than `need_bytes` free."""
    existing = next(path for path in [folder, *folder.absolute().parents] if path.exists())
    free_bytes = shutil.disk_usage(existing).free
    if need_bytes > free_bytes:
        raise UserError(
            f"{name} needs {need_bytes / 1e9:.1f} GB and {existing} has {free_bytes / 1e9:.1f} GB free; wanted more "
            "space: free some, or choose another folder with HF_HOME or --dest"
        )
