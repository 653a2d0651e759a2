"""The process of a worker: it stays alive from task to task, so that libraries, kernels and models are loaded once."""

from __future__ import annotations

import ctypes
import logging
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from vistadream.backends.weights.residence import resident
from vistadream.workers.carry_out import attempt
from vistadream.workers.ending import Ending
from vistadream.workers.queue import Outcome, Queue, Task

_log = logging.getLogger("vistadream.workers")
_LOOK_S = 0.25
_NICENESS = 10
_OOM_SCORE = 500
"""When memory is full the system ends a worker, not the server; 0 is what every process has, 1000 the most."""
_GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """When a worker makes room for a fresh one, or for others."""

    jobs: int
    """It ends after this many tasks."""
    rss_gb: float
    """It ends after a task that left it with more memory than this."""
    idle_unload_s: float
    """Without a task for this long it unloads its models."""


def work(
    queue: Queue,
    name: str,
    limits: Limits,
    parent: int | None = None,
    act: Callable[[Task, Callable[[], bool]], Outcome] | None = None,
    around: Callable[[Task], AbstractContextManager] = nullcontext,
) -> None:
    """Takes tasks and carries them out until it is asked to end, or a limit is reached.

    `parent`: a pipe as in `Ending`. `name` is that of this process alone. `act` carries out a task; None: `attempt`.
    What is logged meanwhile is logged inside of `around(task)`.
    """
    _give_way()
    ending, done, idle_since = Ending(queue, parent), 0, time.monotonic()
    with ending.watching():
        while not ending.wait(0):
            task = queue.take(name, fresh=not done)
            if task is None:
                if done and queue.wants_fresh():
                    _log.info("the worker makes room: the next job needs a fresh one")
                    return
                idle_since = _unloaded(idle_since, limits.idle_unload_s)
                ending.wait(_LOOK_S)
                continue
            with around(task):
                outcome = _done(queue, task, ending, act or attempt)
            done, idle_since = done + 1, time.monotonic()
            if outcome.state in ("broken", "full") or done >= limits.jobs or _rss_gb() > limits.rss_gb:
                return  # another attempt, and what comes next, gets a fresh process


def _done(queue: Queue, task: Task, ending: Ending, act: Callable[[Task, Callable[[], bool]], Outcome]) -> Outcome:
    _log.info("the job begins", extra={"attempt": task.attempt})
    outcome = ending.during(task, act)
    queue.settle(task, outcome)
    _give_back_memory()
    _log.info("the job ends", extra={"attempt": task.attempt, "state": outcome.state, "error": outcome.error})
    return outcome


def _give_way() -> None:
    """Lets the server, and whoever else uses the machine, go first."""
    os.nice(_NICENESS)
    with suppress(OSError):  # not on Linux
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))


def _give_back_memory() -> None:
    """Gives freed memory back to the system, which the C library would keep in pieces between what is still used."""
    with suppress(OSError, AttributeError):  # not with glibc
        ctypes.CDLL(None).malloc_trim(0)


def _unloaded(idle_since: float, after_s: float) -> float:
    """Unloads the models after so long without a task; the time from which to count on."""
    if time.monotonic() - idle_since < after_s:
        return idle_since
    resident.release()
    return float("inf")


def _rss_gb() -> float:
    return psutil.Process().memory_info().rss / _GIB
