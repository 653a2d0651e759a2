"""This machine alone: one process on each GPU, or `workers` that share the processors."""

from __future__ import annotations

import psutil

from vistadream.batch.batch import Batch
from vistadream.batch.knobs import Knobs
from vistadream.batch.storage import Storage
from vistadream.workers.pool import Pool
from vistadream.workers.slots import Slot, slots

_GB = 1e9


class LocalEngine:
    """The pool of workers of this machine. A worker that is killed is replaced."""

    def run(self, batch: Batch, storage: Storage, knobs: Knobs) -> None:
        if not batch.has_begun():
            return
        pool = Pool(batch.worker_command(), batch.queue, _that_fit(slots(knobs.workers), batch, knobs.worker_gb))
        pool.start()
        try:
            while not (batch.is_over() or batch.is_draining):
                batch.look()
            pool.drain()
            while batch.is_draining and not batch.is_stopped and pool.is_at_work():
                batch.look()
        finally:
            pool.stop()
            batch.look()


def _that_fit(places: list[Slot], batch: Batch, worker_gb: float) -> list[Slot]:
    """The places for which there is memory, and one of them in any case."""
    free_gb = psutil.virtual_memory().available / _GB
    fit = max(1, int(free_gb / worker_gb))
    if fit < len(places):
        why = f"{free_gb:.1f} GB of memory are free, and each may need worker_gb={worker_gb:g}"
        batch.say(f"{fit} workers in place of {len(places)}: {why}")
    return places[:fit]
