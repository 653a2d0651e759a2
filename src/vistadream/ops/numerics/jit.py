"""numba compilation with a cache on disk that notices every edit, in a folder that the user may write to.

numba compares a cached kernel only with the time of change of its file: it would not notice a change of a helper in
another file, and compiles again what was only copied or checked out anew. Here the name of the cache folder is a hash
of all sources that a kernel of the package can depend on: the files of the package that hold kernels, and those that
they import from the same package. An edit there leads to another cache folder, and an edit elsewhere does not. Kernels
must therefore use nothing from the other rooms of this project.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_log = logging.getLogger(__name__)
_config: Any = numba.config  # its fields are made at run time
_HOLDS_KERNELS = re.compile(r"^@(kernel|inlined)\b", re.MULTILINE)
_IMPORT = re.compile(r"^\s*(?:from|import)\s[^(\n]*(?:\([^)]*\))?", re.MULTILINE)


class _Locator(_CacheLocator):
    """Where numba keeps the code of a function: in the `cache_folder` of its package, wherever that is installed."""

    def __init__(self, file: Path, line: int):
        self._file, self._line = file, line

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _Locator:
        return cls(Path(py_file), py_func.__code__.co_firstlineno)

    def get_cache_path(self) -> str:
        return str(cache_folder(self._file.parent))

    def get_source_stamp(self) -> str:
        return hashlib.sha256(self._file.read_bytes()).hexdigest()

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Impl(CompileResultCacheImpl):
    _locator_classes: ClassVar = [_Locator]  # type: ignore[misc]  # numba reads it from the class


class _Cache(FunctionCache):
    """numba's cache of a function, without which a run can do: a full disk or a folder that is gone ends no run.

    numba numbers the files of a function without a lock, so that two processes could exchange two of its versions.
    """

    _impl_class = _Impl

    def save_overload(self, signature: Any, data: Any) -> None:
        try:
            with _alone_in(Path(self.cache_path)):
                super().save_overload(signature, data)
        except OSError as error:
            _log.warning(
                "compiled code cannot be kept in %s, and is compiled again next time: %s", self.cache_path, error
            )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keeps out other processes that save into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as stream:
        with suppress(OSError):  # some network disks have none
            if fcntl is not None:
                fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def kernel(**options: Any) -> Callable[[Callable], Any]:
    """Decorator: `numba.njit(**options)` that stores the machine code in the `cache_folder` of the source."""

    def decorate(function: Callable) -> Any:
        # unwrap: an import hook that checks shapes wraps the function, and numba cannot compile the wrapper
        compiled: Any = numba.njit(**options)(inspect.unwrap(function))
        compiled._cache = _Cache(compiled.py_func)
        return compiled

    return decorate


def inlined(**options: Any) -> Callable[[Callable], Any]:
    """Decorator: a `kernel` for use in other kernels, inlined into them, because array arguments are slow to pass."""
    return kernel(forceinline=True, **options)


@cache
def announce_compilation(source: str, what: str, seconds: int) -> None:
    """Logs one line, once per process, if the kernels in the folder of the file `source` were never compiled."""
    if not any(cache_folder(Path(source).parent).rglob("*.nbc")):
        _log.warning("compiling the %s, about %d s, once", what, seconds)


@cache
def cache_folder(package: Path) -> Path:
    """The writable folder for the machine code of a package, named by the hash of its `kernel_sources`.

    The hash covers this file and numba's version too. The folder is in NUMBA_CACHE_DIR, else in
    XDG_CACHE_HOME/vistadream/numba, else in ~/.cache/vistadream/numba. If that cannot be written, it is in a private
    folder of this process, because shared temporary folders could hold foreign code.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in [Path(__file__), *sorted(kernel_sources(package))]:
        digest.update(source.name.encode() + source.read_bytes())
    name = f"{package.name}-{digest.hexdigest()[:16]}"
    try:
        folder = _user_folder() / name
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        return folder
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return Path(_process_folder().name) / name


def kernel_sources(package: Path) -> set[Path]:
    """The files of a package that hold kernels, and all files of the package that they import, directly or not."""
    found: set[Path] = set()
    ahead = {file for file in package.glob("*.py") if _HOLDS_KERNELS.search(file.read_text(encoding="utf-8"))}
    while ahead:
        found.add(file := ahead.pop())
        ahead |= _imported_neighbors(file) - found
    return found


def _imported_neighbors(file: Path) -> set[Path]:
    """Files of the same folder that a file may import: those that a word of its import statements names."""
    words = {word for line in _IMPORT.findall(file.read_text(encoding="utf-8")) for word in re.findall(r"\w+", line)}
    return {neighbor for word in words if (neighbor := file.with_name(f"{word}.py")).is_file()}


def _user_folder() -> Path:
    if _config.CACHE_DIR:
        return Path(_config.CACHE_DIR)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "vistadream" / "numba"


@cache
def _process_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="vistadream-numba-")
