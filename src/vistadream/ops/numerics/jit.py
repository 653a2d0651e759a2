"""numba compilation with a disk cache that notices every edit and lives where the user may write.

numba stamps a cached kernel with its own file only, so a change in a helper of another file would go unseen. Here the
cache folder's name is a hash of every source beside the kernel, so an edit means another folder.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

_log = logging.getLogger(__name__)
_config: Any = numba.config  # its fields are made at run time


def kernel(**options: Any) -> Callable[[Callable], Any]:
    """Decorator: `numba.njit(**options)` with its machine code kept in the `cache_folder` of its source."""

    def decorate(function: Callable) -> Any:
        configured = _config.CACHE_DIR
        _config.CACHE_DIR = str(cache_folder(Path(function.__code__.co_filename).parent))
        try:
            # unwrap: a shape-checking import hook puts its own function around ours, which numba cannot compile
            return numba.njit(cache=True, **options)(inspect.unwrap(function))
        finally:
            _config.CACHE_DIR = configured

    return decorate


def inlined(**options: Any) -> Callable[[Callable], Any]:
    """Decorator: a `kernel` for use in kernels, pasted into its callers: to pass an array means to pass seven words."""
    return kernel(forceinline=True, **options)


@cache
def announce_compilation(source: str, what: str, seconds: int) -> None:
    """Logs one line, once a process, if the kernels beside the file `source` (`__file__`) were never compiled."""
    if not any(cache_folder(Path(source).parent).rglob("*.nbc")):
        _log.warning("compiling the %s, about %d s, once", what, seconds)


@cache
def cache_folder(package: Path) -> Path:
    """The writable folder for the machine code of the sources in `package`, named by their hash and numba's version.

    It lies in NUMBA_CACHE_DIR, else XDG_CACHE_HOME/vistadream/numba, else ~/.cache/vistadream/numba; where none of
    these can be written, in a folder of this process alone (shared temporary folders could carry foreign code).
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(package.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    name = f"{package.name}-{digest.hexdigest()[:16]}"
    try:
        folder = _user_folder() / name
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        return folder
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return Path(_process_folder().name) / name


def _user_folder() -> Path:
    if _config.CACHE_DIR:
        return Path(_config.CACHE_DIR)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "vistadream" / "numba"


@cache
def _process_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="vistadream-numba-")
