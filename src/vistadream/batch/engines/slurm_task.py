"""One task of a SLURM array: workers on what SLURM gave it, which take items until none is left or the time is up."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType

from vistadream.workers.pool import Pool
from vistadream.workers.slots import Slot, slots

_LOOK_S = 0.5
_PREFIX = "slurm-"


class SlurmTask:
    """Called in the task. Its state is the words of the batch, so that what submitit stores of it holds plain text."""

    def __init__(self, words: Sequence[str], drain: str):
        """`drain`: a file whose presence says that no more items are to be taken."""
        self.words, self.drain = tuple(words), drain

    def __call__(self) -> None:
        self._is_ended = self._is_time_up = False
        signal.signal(signal.SIGTERM, self._end)
        put_back = signal.signal(signal.SIGUSR1, self._end_in_time)
        self._work()
        if self._is_time_up and callable(put_back):
            put_back(signal.SIGUSR1, None)

    def _work(self) -> None:
        """Until nothing is left, or a signal or the driver asks for the end; `_is_time_up` where it is to go on."""
        from vistadream.batch.folder import BatchFolder
        from vistadream.batch.words import knobs_of
        from vistadream.batch.worker import queue_of

        knobs, _ = knobs_of(self.words)
        queue = queue_of(knobs, BatchFolder(knobs.folder), f"{_name()}-task")
        command = [sys.executable, "-m", "vistadream", "batch", "worker", *self.words]
        pool = Pool(command, queue, places())
        pool.start()
        try:
            while not (self._is_asked() or queue.is_over() or os.path.exists(self.drain)):
                time.sleep(_LOOK_S)
            pool.drain()
            while not self._is_asked() and pool.is_at_work():
                time.sleep(_LOOK_S)
        finally:
            pool.stop()
        self._is_time_up = self._is_time_up and not (queue.is_over() or os.path.exists(self.drain))

    def checkpoint(self) -> object:
        """What submitit calls when it puts the task back into SLURM's queue."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(SlurmTask(self.words, self.drain))

    def _is_asked(self) -> bool:
        return self._is_ended or self._is_time_up

    def _end_in_time(self, number: int, frame: FrameType | None) -> None:
        """The time is nearly up. submitit would stop everything within this handler, where the pool may be locked."""
        self._is_time_up = True

    def _end(self, number: int, frame: FrameType | None) -> None:
        """SLURM ends the task: items under way are interrupted, and go on elsewhere."""
        self._is_ended = True


def places() -> list[Slot]:
    """A worker on each GPU of the task, or one on its processors; SLURM's number of the job is in their names."""
    cores = int(os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE") or 1)
    return [replace(slot, name=f"{_name()}-{slot.name}") for slot in slots("auto", cores=cores)]


def _name() -> str:
    return f"{_PREFIX}{os.environ['SLURM_JOB_ID']}"


def job_of(worker: str) -> str | None:
    """SLURM's number of the task in which a worker of that name runs; None for a worker of another engine."""
    return worker.removeprefix(_PREFIX).partition("-")[0] if worker.startswith(_PREFIX) else None
