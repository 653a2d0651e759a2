"""Which worker makes which result of a finished scene: decided as for jobs, by the lock in the folder of the job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from vistadream.service.queue.export_table import ExportRow
from vistadream.service.queue.exports import Exports
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow
from vistadream.workers.queue import Outcome, Task

_STATES = {"done": "done", "interrupted": "queued"}
"""How the row goes on after an outcome; it has failed after any other."""


class ExportClaims:
    """The part of a queue that is about results. The caller holds the lock of the job."""

    def __init__(self, store: Store, deaths: int):
        """`deaths`: a result has failed when this many workers died of it."""
        self._store, self._exports, self._deaths = store, Exports(store.database), deaths

    def under_way(self) -> Sequence[ExportRow]:
        """What may be claimed: queued, or of a worker that may have died."""
        return self._exports.under_way()

    def claim(self, row: ExportRow, task_of: Callable[[JobRow], Task]) -> Task | None:
        """The task, made from that of the job's own run; None where workers died too often, or another was faster."""
        deaths = row.deaths + (row.state == "running")
        if deaths >= self._deaths:
            error = f"its worker was killed {deaths} times: most likely out of memory; wanted a machine with more of it"
            self._exports.finish(row.job_id, row.name, row.attempt, "failed", error)
            return None
        mine, job = self._exports.begin(row, deaths), self._store.get(row.job_id)
        return replace(task_of(job), attempt=mine.attempt, result=mine.name) if mine and job else None

    def finish(self, task: Task, outcome: Outcome, error: str | None) -> None:
        """Says how a task of `claim` ended."""
        state = _STATES.get(outcome.state, "failed")
        self._exports.finish(task.id, str(task.result), task.attempt, state, error)

    def is_deleted(self, task: Task) -> bool:
        """Whether the job has been deleted meanwhile, with all that was asked of it."""
        return self._store.get(task.id) is None
