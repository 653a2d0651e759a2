"""What an actor of a Ray cluster does: items that the driver names, one after the other. It imports no Ray."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Sequence
from typing import Any

from vistadream.batch.items import Item
from vistadream.workers.queue import Outcome

TIRED = ("broken", "full")
"""States after which the next attempt gets a fresh process."""


class RayWorker:
    """One resident worker: libraries, kernels and models are loaded once. It gets and gives plain values only."""

    def __init__(self, words: Sequence[str], name: str, threads: int):
        """`words` are those of the batch. Kernels get `threads` threads; results do not depend on the number."""
        os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch and numba are imported
        from vistadream.batch.folder import BatchFolder
        from vistadream.batch.words import knobs_of
        from vistadream.batch.worker import queue_of

        knobs, _ = knobs_of(words)
        self._queue = queue_of(knobs, BatchFolder(knobs.folder), name)
        self._stopped = threading.Event()

    def ready(self) -> dict[str, Any]:
        """The first call, whose answer says that this worker can be given items."""
        self._queue.arrive()
        return {"node": platform.node(), "pid": os.getpid(), "gpu": os.environ.get("CUDA_VISIBLE_DEVICES", "")}

    def work(self, line: str) -> dict[str, Any]:
        """Carries out the item of that line, unless somebody else has it ("busy") or it is settled ("done")."""
        item = Item.of_line(line)
        if self._stopped.is_set():
            return {"state": "interrupted"}
        if (task := self._queue.take_item(item)) is None:
            return {"state": "done" if self._queue.is_settled(item.id) else "busy"}
        outcome = self._queue.work(task, lambda: self._stopped.is_set() or self._queue.is_cancelled(task))
        if outcome.state == "interrupted" and self._queue.is_cancelled(task):
            outcome = Outcome("cancelled")
        self._queue.settle(task, outcome)
        return {"state": outcome.state, "error": outcome.error}

    def stop(self) -> None:
        """Interrupts the item under way; called while another thread is in `work`."""
        self._stopped.set()
