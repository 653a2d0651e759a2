"""The device that the workers of a host share: most jobs share it too, some need it for themselves."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import IO

from vistadream.workers.file_lock import try_lock


class Device:
    """This process's hold on its device, which ends with the process; each job has it entered once."""

    def __init__(self, folder: Path):
        """`folder`: of the locks of all devices, one file for each."""
        self._path = folder / f"{_name()}.lock"
        self._lock: IO[bytes] | None = None
        self.is_alone = False

    def enter(self, alone: bool) -> bool:
        """Whether the process may work: alone when nobody works here, otherwise unless somebody is alone here."""
        self._path.parent.mkdir(exist_ok=True)
        self._lock = try_lock(self._path, shared=not alone)
        self.is_alone = alone and self._lock is not None
        return self._lock is not None

    def leave(self) -> None:
        if self._lock:
            self._lock.close()
        self._lock, self.is_alone = None, False


def _name() -> str:
    """This host with the GPU that a worker is given; without one its processors."""
    return re.sub(r"[^\w.-]", "_", f"{platform.node()}-{os.environ.get('CUDA_VISIBLE_DEVICES') or 'all'}")
