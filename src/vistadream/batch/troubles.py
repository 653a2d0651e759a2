"""Troubles of the batch itself, which are no item's fault, such as a full disk, or a share that is gone: they pass."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable

from vistadream.batch.folder import BatchFolder
from vistadream.workers.queue import Outcome

_OF_A_DISK = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.ENODEV,
    errno.EHOSTDOWN,
)  # fmt: skip
"""Errors that would befall any item."""
_PAUSE_S = 10.0
"""After an item that met such an error nothing is begun for this long."""
_GB = 1e9


class Troubles:
    """What is wrong with the disk of a batch, as one process sees it."""

    def __init__(self, folder: BatchFolder, min_free_gb: float = 0, now_s: Callable[[], float] = time.monotonic):
        self._folder, self._min_free_gb, self._now_s = folder, min_free_gb, now_s
        self._until_s = float("-inf")

    def met(self, outcome: Outcome) -> bool:
        """Whether an attempt ended by trouble of the batch; then nothing is to be begun for a while."""
        number = outcome.errno
        is_trouble = (
            number in _OF_A_DISK
            or (number == errno.ENOENT and not self._folder.batch_json.exists())
            or (number in (errno.EACCES, errno.EPERM) and not os.access(self._folder.work, os.W_OK))
        )
        if is_trouble:
            self._until_s = self._now_s() + _PAUSE_S
        return is_trouble

    def now(self) -> str | None:
        """What is wrong, in words; None where work can go on."""
        root = self._folder.root
        try:
            self._folder.batch_json.stat()
            free_gb = shutil.disk_usage(root).free / _GB
        except OSError as error:
            return f"{root} cannot be reached ({error.strerror})"
        if free_gb < self._min_free_gb:
            return f"{free_gb:.2f} GB are free in {root}, and batch.min_free_gb={self._min_free_gb:g}"
        if not os.access(self._folder.work, os.W_OK):
            return f"{root} cannot be written"
        return "the last item met an error of the disk" if self._now_s() < self._until_s else None
