"""The build of gsplat's CUDA kernels in a process of its own, which ends with the process that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_CODE = "from vistadream.backends.render.gsplat_build import main; main()"


def built() -> bool:
    """Whether the kernels are compiled for this version of torch, or came with the package."""
    from vistadream.backends import packages

    folder = packages.folder("gsplat")
    return _library().is_file() or (folder is not None and any(folder.glob("csrc*.so")))


def import_kernels() -> Any:
    """gsplat's kernels, compiled now unless they are; None if gsplat finds no CUDA toolkit. One process at a time.

    Raises what gsplat raises: RuntimeError, ImportError, OSError or SubprocessError.
    """
    with _alone():
        return import_module("gsplat.cuda._backend")._C


class Build:
    """A process that compiles the kernels. It ends when this object or this process does, however it ends."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # for as long as the process runs
        paths = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,  # closed by the system when this process ends
            stdout=self._said,
            stderr=self._said,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for this process alone
        )

    def running(self) -> bool:
        return self._process.poll() is None

    def result(self) -> str | None:
        """Waits until it ends. None if it succeeded, else what it printed."""
        failed = self._process.wait() != 0
        self._said.seek(0)
        return self._said.read().decode(errors="replace") if failed else None


def main() -> None:
    """Compiles the kernels in this process, and ends with all that it started when standard input is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if import_kernels() is None:
        sys.exit("there is no CUDA toolkit")


def _end_with_parent() -> None:
    while os.read(0, 1):  # b"" at the end; an object of Python would be locked when the interpreter ends
        pass
    for process in psutil.Process().children(recursive=True):
        process.kill()
    os._exit(1)


def _library() -> Path:
    from torch.utils.cpp_extension import _get_build_directory

    return Path(_get_build_directory("gsplat_cuda", verbose=False)) / "gsplat_cuda.so"


@contextmanager
def _alone() -> Iterator[None]:
    """No other process builds in the block, if the system has locks; gsplat removes the folder of a build."""
    file = _library().parent.with_name("gsplat_cuda.vistadream.lock")
    with file.open("a") as stream:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
