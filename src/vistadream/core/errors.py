"""Errors that the user can fix."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST_PATH = 100
"""The number of characters of a path that a message shows."""
_PERMISSION = ("may not be read or written", "permission: check the permissions of it and of the folders above it")
_FULL = ("does not fit on its disk", "free space: free some, or choose another disk")
_EXPLAINED = {
    errno.ENOENT: ("does not exist", "an existing path: check its spelling"),
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.ENAMETOOLONG: ("is too long for a path", "at most 255 bytes between two slashes: shorten it"),
    errno.ENOTDIR: ("lies below a file", "a path that goes through folders only: choose another one"),
    errno.EISDIR: ("is a folder", "a file: name a file in it"),
    errno.EROFS: ("lies on a read-only disk", "a disk that can be written: choose another folder"),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
}
"""What is wrong with the path and what is wanted, by the number of the operating system's error."""


class UserError(Exception):
    """An error that the user can fix: one sentence that says what was wrong, what was wanted and what to do."""

    exit_code = 2
    """The exit code of the command when it ends with this error."""


class Cancelled(BaseException):
    """Ends a run that its caller has cancelled. Not an Exception, so that no code below takes it for a failure."""

    folder: Path | None = None
    """The run folder, which can be resumed."""


class FullMemoryError(UserError):
    """The task does not fit the memory: a smaller one does, and perhaps this one when nothing else uses the memory."""


def system_error(error: OSError) -> UserError:
    """The sentence for an error of the operating system, such as a file that may not be read, or a full disk."""
    unknown = (f"failed ({error.strerror or error})", "a path that can be read and written: choose another one")
    wrong, wanted = _EXPLAINED.get(error.errno or 0, unknown)
    path = error.filename2 or error.filename
    name = os.fsdecode(path) if isinstance(path, bytes) else str(path or "a file")
    return UserError(f"{short_path(name)} {wrong}; wanted {wanted}")


@contextmanager
def system_errors() -> Iterator[None]:
    """Turns an error of the operating system into a UserError; also usable as a decorator.

    An OSError without an error number is a fault of the program, and passes unchanged.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise system_error(error) from error


def short_path(path: str) -> str:
    """A path for a message, shortened when it is very long."""
    return path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]} (and {len(path) - _LONGEST_PATH} more)"
