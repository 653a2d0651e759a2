"""A lock of the system on a file, which ends with the process that holds it."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO


def try_lock(path: Path, shared: bool = False) -> IO[bytes] | None:
    """The file, locked for as long as it is open; None where another process has it, or where its folder is gone.

    Those that share a lock keep out only those that do not.
    """
    with suppress(FileNotFoundError):
        stream: IO[bytes] = path.open("ab")
        try:
            fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return stream
        except BlockingIOError:
            stream.close()
    return None
