"""A file that the user named. It is read once and completely, so that a pipe works too."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from vistadream.core import UserError, short_path, system_errors

_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:/{1,2}[^/]", re.IGNORECASE)


def check_source(path: str | Path, noun: str, wanted: str) -> None:
    """UserError unless `path` is a file or pipe that can be read. `noun` and `wanted` are parts of its sentence."""
    name, shown = os.fspath(path), short_path(os.fspath(path))
    if name.startswith("data:"):
        raise UserError(f"{shown} holds the {noun} itself; wanted a file: save it first, then name the file")
    try:
        with system_errors():
            mode = os.stat(name).st_mode
            if stat.S_ISREG(mode):
                open(name, "rb").close()
    except UserError as error:
        if _ADDRESS.match(name):
            shown = re.sub(":/+", "://", shown, count=1)  # a Path has lost one of its slashes
            raise UserError(f"{shown} is a web address; wanted a file: download it first, then name the file") from None
        if isinstance(error.__cause__, FileNotFoundError):
            raise UserError(f"no such {noun}: {shown}; wanted {wanted}") from error
        raise
    if stat.S_ISDIR(mode):
        raise UserError(f"{shown} is a folder; wanted one {noun} file: name a file in it")
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise UserError(f"{shown} is neither a file nor a pipe; wanted {wanted}")


def read_source(path: str | Path, noun: str, wanted: str) -> bytes:
    """All bytes of a file or pipe; UserError as `check_source` raises it."""
    check_source(path, noun, wanted)
    with system_errors():
        return Path(path).read_bytes()
