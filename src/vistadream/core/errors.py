"""What goes wrong and can be mended by the person at the command line."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_PATH = 100
"""Characters of a path that a message shows."""
_PERMISSION = ("may not be read or written", "permission: check the permissions of it and of the folders above it")
_FULL = ("finds no room on its disk", "free space: free some, or choose another disk")
_EXPLAINED = {
    errno.ENOENT: ("is not there", "an existing path: check its spelling"),
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.ENAMETOOLONG: ("is too long for a path", "at most 255 bytes between two slashes: shorten it"),
    errno.ENOTDIR: ("lies below a file", "a path that goes through folders only: choose another one"),
    errno.EISDIR: ("is a folder", "a file: name a file in it"),
    errno.EROFS: ("lies on a disk that cannot be written", "a disk that can: choose another folder"),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
}
"""What an error of the system means: what is wrong with the path, and what is wanted."""


class UserError(Exception):
    """Something the user can mend: one sentence naming what was wrong, what was wanted and what to do."""

    exit_code = 2
    """What the command returns for it."""


def system_error(error: OSError) -> UserError:
    """The sentence for an error of the operating system: a file that may not be read, a full disk and the like."""
    unknown = (f"failed ({error.strerror or error})", "a path that can be read and written: choose another one")
    wrong, wanted = _EXPLAINED.get(error.errno, unknown)
    path = error.filename2 or error.filename
    name = os.fsdecode(path) if isinstance(path, bytes) else str(path or "a file")
    return UserError(f"{short_path(name)} {wrong}; wanted {wanted}")


@contextmanager
def system_errors() -> Iterator[None]:
    """Turns an error of the operating system into a UserError; one without an error number is a fault of the program.

    Also a decorator.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise system_error(error) from error


def short_path(path: str) -> str:
    """A path for a message, cut where it is very long."""
    return path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]} (and {len(path) - _LONGEST_PATH} more)"
