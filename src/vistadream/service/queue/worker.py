"""Workers on the queue of a data folder: the knobs of one, and the pool that a server has."""

from __future__ import annotations

import logging
import os
import platform
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from structlog.contextvars import bound_contextvars

from vistadream.core.knobs import ABOVE_0, FROM_0, FROM_1, check_ranges
from vistadream.service.cache.knobs import CachePlace
from vistadream.service.knobs import Level
from vistadream.service.queue.claims import database_url, open_queue
from vistadream.service.watch.logs import set_up
from vistadream.workers.pool import Pool
from vistadream.workers.queue import Task
from vistadream.workers.slots import Slot

_GB = 1e9


@dataclass(frozen=True)
class WorkerKnobs:
    """The values of conf/worker.yaml, which says what they mean. ValueError for one out of its range."""

    data: Path
    database_env: str | None
    jobs: int
    rss_gb: float
    idle_unload_s: float
    min_free_gb: float
    deaths: int
    name: str | None
    parent: int | None
    log_level: Level
    log_dir: Path | None
    cache: CachePlace

    def __post_init__(self) -> None:
        check_ranges(
            self, jobs=FROM_1, deaths=FROM_1, rss_gb=ABOVE_0, idle_unload_s=FROM_0, min_free_gb=FROM_0, parent=FROM_0
        )

    @property
    def url(self) -> str:
        return database_url(self.data, self.database_env)

    @property
    def own_name(self) -> str:
        return self.name or f"{platform.node()}-{os.getpid()}"

    @property
    def log_file(self) -> Path | None:
        """The log of its place: workers that follow one another in it write to the same file."""
        return self.log_dir and self.log_dir / f"worker-{self.own_name.rpartition('-')[0]}.log"


def be_worker(knobs: WorkerKnobs) -> None:
    """Carries out jobs until a signal, a limit or the end of the parent. UserError where the queue cannot be opened."""
    from vistadream.workers.process import Limits, work

    set_up(knobs.log_level, knobs.log_file, _is_about_jobs)
    data, min_free_bytes = knobs.data.absolute(), int(knobs.min_free_gb * _GB)
    queue = open_queue(knobs.url, data, min_free_bytes, knobs.deaths, knobs.cache)
    limits = Limits(knobs.jobs, knobs.rss_gb, knobs.idle_unload_s)
    work(queue, knobs.own_name, limits, knobs.parent, around=_named_in_log)


def _named_in_log(task: Task) -> AbstractContextManager:
    """Has each line of the log name the job and the request."""
    return bound_contextvars(job_id=task.id, request_id=task.request_id)


def _is_about_jobs(record: logging.LogRecord) -> bool:
    """What a job says in between is in its own run.log."""
    return record.name == "vistadream.workers" or record.levelno >= logging.WARNING


def pool_of(data: Path, slots: Iterable[Slot], database_env: str | None = None, **knobs: Any) -> Pool:
    """The pool of workers of a server, not yet started. `knobs` are further ones of conf/worker.yaml, such as jobs."""
    data = data.absolute()
    words = {"data": data, **({"database_env": database_env} if database_env else {}), **knobs}
    command = [sys.executable, "-m", "vistadream", "worker", *(f"{name}={value}" for name, value in words.items())]
    return Pool(command, open_queue(database_url(data, database_env), data), slots)
