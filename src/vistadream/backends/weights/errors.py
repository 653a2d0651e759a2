"""What ends a download: no way to the file, or no room for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from vistadream.core import UserError


class DownloadError(UserError):
    """A file could not be fetched; what came of it is kept for the next try."""

    exit_code = 3


def disk_error(target: Path, error: OSError) -> UserError:
    """What to tell when a file cannot be written."""
    return UserError(
        f"cannot write {target}: {error.strerror or error}; wanted a writable folder with free space: free some, or "
        "choose another with HF_HOME or --dest; what came so far is kept"
    )


def check_space(name: str, folder: Path, need_bytes: int) -> None:
    """Raises UserError when the disk of `folder`, which need not be there yet, has less free than that."""
    there = next(path for path in [folder, *folder.absolute().parents] if path.exists())
    free_bytes = shutil.disk_usage(there).free
    if need_bytes > free_bytes:
        raise UserError(
            f"{name} needs {need_bytes / 1e9:.1f} GB and {there} has {free_bytes / 1e9:.1f} GB free; wanted more "
            "space: free some, or choose another folder with HF_HOME or --dest"
        )
