"""Which worker has which job. Whoever works holds the system's lock on a file in the job's folder.

The lock ends with its process, so a running job whose lock is free has lost its worker, and is taken over at once.
There is no clock, no lease and no process id in this: a slow worker is never taken for a dead one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from vistadream.core import UserError
from vistadream.formats.files import folder_bytes
from vistadream.service.cache.cache import Cache, open_cache
from vistadream.service.cache.delivery import Delivery
from vistadream.service.cache.knobs import CachePlace
from vistadream.service.queue.before import drop_before, keep_before
from vistadream.service.queue.device import Device
from vistadream.service.queue.export_claims import ExportClaims
from vistadream.service.queue.ladder import after_death, after_full_memory
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow
from vistadream.service.queue.task_words import task_words
from vistadream.service.watch.timings import Timing, Timings, alike
from vistadream.workers.file_lock import try_lock
from vistadream.workers.progress import seconds_of_parts, stages_done
from vistadream.workers.queue import Outcome, Task

DEATHS = 3
"""A job whose worker died this often without finishing a stage in between has failed."""
_ERRORS = 2
"""A job that ended this often by an error of the program has failed."""
_LONGEST = 2_000


class Claims:
    """The queue of one data folder, as `workers.queue.Queue`. Each worker process has one of its own."""

    def __init__(
        self, store: Store, data: Path, min_free_bytes: int = 0, deaths: int = DEATHS, cache: Cache | None = None
    ):
        """`min_free_bytes`: with less space on the disk no job is begun. `deaths` stands in the place of DEATHS.

        Jobs whose result is in the cache end with it; None: no cache.
        """
        self._store, self._jobs, self._min_free_bytes, self._deaths = store, data / "jobs", min_free_bytes, deaths
        self._timings = Timings(store.database)
        self._results = ExportClaims(store, deaths)
        self._delivery, self._has_looked = None if cache is None else Delivery(store, cache, self._jobs), False
        self._device = Device(data / "devices")
        self._locks: dict[str, IO[bytes]] = {}

    def take(self, worker: str, fresh: bool = True) -> Task | None:
        """A job whose worker has died, else a result that somebody waits for, else the first of the queue.

        Jobs whose result is known are ended meanwhile. A job that needs the device for itself is begun once nobody
        works there, for which all others wait.
        """
        first = self._store.next_queued()
        alone = first is not None and first.exclusive
        if shutil.disk_usage(self._jobs).free < self._min_free_bytes or (alone and not fresh):
            return None
        if not self._device.enter(alone):
            return None
        task = self._taken(worker, first)
        if task is None:
            self._device.leave()
        return task

    def wants_fresh(self) -> bool:
        job = self._store.next_queued()
        return job is not None and job.exclusive

    def _taken(self, worker: str, first: JobRow | None) -> Task | None:
        for job in self._store.running():
            if task := self._locked(job.id, partial(self._taken_over, job, worker)):
                return task
        for row in self._results.under_way():
            if task := self._locked(row.job_id, partial(self._results.claim, row, self._task)):
                return task
        if not self._has_looked:
            self._has_looked = True  # for what a worker that was killed left; later ones follow the end of a job
            self._deliver(self._store.answered(), worker)
        return self._first_free(worker, first)

    def _first_free(self, worker: str, job: JobRow | None) -> Task | None:
        """A job that nobody holds, from one in the queue on: one step through its index for each that is held."""
        while job:
            if job.exclusive and not self._device.is_alone:
                return None
            if task := self._locked(job.id, partial(self._begun, job, worker)):
                return task
            job = self._store.next_queued(after=job)
        return None

    def settle(self, task: Task, outcome: Outcome) -> None:
        """Changes nothing of a job that somebody else works on by now."""
        self.leave(task, outcome)
        self._release(task.id)

    def leave(self, task: Task, outcome: Outcome) -> None:
        """As `settle`; the lock stays until the end of the process."""
        error = outcome.error and self._without_paths(task.id, outcome.error)[:_LONGEST]
        match outcome.state:
            case _ if task.result is not None:
                self._results.finish(task, outcome, error)
                self._store.note_disk(task.id, self._disk_bytes(task))
            case "interrupted":
                self._end(task, "queued")
            case "broken":
                self._once_more(task, error)
            case "full":
                self._after_full_memory(task, error)
            case "done":
                self._keep_result(task)
                drop_before(self._jobs / task.id)
                if self._end(task, "done"):
                    self._keep_times(task)
                    self._deliver_equals(self._store.get(task.id))
            case state:
                self._end(task, state, error)

    def is_cancelled(self, task: Task) -> bool:
        if task.result is not None:
            return self._results.is_deleted(task)
        return self._store.is_cancel_asked(task.id)

    def cancelled_workers(self) -> set[str]:
        return {job.worker for job in self._store.running() if job.cancel_asked}

    def worker_died(self, worker: str, signal: int | None) -> None:
        """Keeps the signal for the sentence about the job; ends a job that was to be cancelled anyway."""
        if signal is not None:
            self._store.note_signal(worker, signal)
        for job in self._store.running():
            if job.cancel_asked:
                self._locked(job.id, partial(self._taken_over, job, worker))

    def _locked(self, id: str, claim: Callable[[], Task | None]) -> Task | None:
        """The task that `claim` gets while its job is locked for this process; the lock is kept with the task."""
        lock = try_lock(self._jobs / id / "lock")
        if lock is None:
            return None
        if (mine := claim()) is None:
            lock.close()
        else:
            self._locks[id] = lock
        return mine

    def _begun(self, job: JobRow, worker: str) -> Task | None:
        mine = self._store.begin(job.id, worker)
        if mine:
            keep_before(self._jobs / job.id)
        return None if mine is None else self._to_run(mine)

    def _deliver_equals(self, done: JobRow | None) -> None:
        """Ends the queued jobs that wait for the result of one that is done."""
        if done and done.result_key:
            self._deliver(self._store.answered(done.result_key), done.worker)

    def _deliver(self, queued: Sequence[JobRow], worker: str) -> None:
        """Ends queued jobs by the results of equal ones, if these are still there."""
        for job in queued if self._delivery else ():
            if lock := try_lock(self._jobs / job.id / "lock"):
                with lock:
                    self._delivery.at_once(job, worker)

    def _to_run(self, job: JobRow) -> Task | None:
        """The task of a job that was begun; None where it ends by the result of an equal one."""
        return None if self._delivery and self._delivery.end(job) else self._task(job)

    def _taken_over(self, job: JobRow, worker: str) -> Task | None:
        """A new attempt; None where the job ends instead, or is not to be had."""
        run = self._jobs / job.id / "run"
        stages = stages_done(run)
        deaths = 1 if stages > job.stages_done else job.deaths + 1
        if job.cancel_asked:
            self._end(job, "cancelled")
        elif rung := after_death(job, run, deaths, self._deaths):
            self._end(job, rung.state, rung.error, stages_done=stages, **rung.changed)
        else:
            mine = self._store.take_over(job, worker, deaths, stages)
            return None if mine is None else self._to_run(mine)
        return None

    def _keep_result(self, task: Task) -> None:
        """Puts the result of a job into the cache, before others learn that it is done."""
        if self._delivery and (job := self._store.get(task.id)):
            self._delivery.keep(job)

    def _keep_times(self, task: Task) -> None:
        """Notes how long the parts of a finished job took, for estimates and figures."""
        job, parts = self._store.get(task.id), seconds_of_parts(task.run)
        if job and parts:
            waited_s = max(0.0, job.started_s - job.created_s)
            self._timings.add(Timing(alike(job.kind, job.words), waited_s, parts))

    def _after_full_memory(self, task: Task, error: str | None) -> None:
        if job := self._store.get(task.id):
            rung = after_full_memory(job, task.run, error or "")
            self._end(task, rung.state, rung.error, **rung.changed)

    def _once_more(self, task: Task, error: str | None) -> None:
        """Back into the queue after a first error of the program; failed after a second."""
        job = self._store.get(task.id)
        failures = job.failures + 1 if job else _ERRORS
        state = "failed" if failures >= _ERRORS else "queued"
        self._end(task, state, error, failures=failures)

    def _end(self, job: Task | JobRow, state: str, error: str | None = None, **changed: Any) -> bool:
        """Ends an attempt, and keeps what the job takes on the disk."""
        return self._store.finish(job.id, job.attempt, state, error, disk_bytes=self._disk_bytes(job), **changed)

    def _disk_bytes(self, job: Task | JobRow) -> int:
        return folder_bytes(self._jobs / job.id)

    def _task(self, job: JobRow) -> Task:
        folder = self._jobs / job.id
        words = task_words(job, folder / "input")
        return Task(job.id, job.attempt, job.kind, words, folder / "run", job.request_id, job.memory_steps)

    def _without_paths(self, id: str, error: str) -> str:
        """A sentence for the owner of a job, who need not know where the service keeps it."""
        folder = self._jobs / id
        return error.replace(f"{folder / 'input'}/", "").replace(f"{folder}/", "")

    def _release(self, id: str) -> None:
        if lock := self._locks.pop(id, None):
            lock.close()
        self._device.leave()


def open_queue(
    url: str, data: Path, min_free_bytes: int = 0, deaths: int = DEATHS, cache: CachePlace | None = None
) -> Claims:
    """The queue of a data folder, and its cache; UserError where one of them cannot be opened."""
    try:
        (data / "jobs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"data={data}: {error.strerror}; wanted a folder that can be written") from error
    store = Store(url)
    opened = open_cache(cache, data, store.database) if cache else None
    return Claims(store, data, min_free_bytes, deaths, opened)


def database_url(data: Path, variable: str | None = None) -> str:
    """The database of a data folder, or the one whose URL is in an environment variable; UserError where it is not.

    A URL may hold a password, and what is on a command line every user of the machine can read.
    """
    if variable is None:
        return f"sqlite:///{(data / 'queue.db').absolute()}"
    if url := os.environ.get(variable):
        return url
    raise UserError(
        f"database_env={variable}: there is no such environment variable; wanted a URL in it, such as "
        "postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    )
