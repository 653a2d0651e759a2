"""The workers of a server: started as processes of their own, watched, replaced, and ended with it."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from vistadream.workers.ending import DRAIN
from vistadream.workers.queue import Queue
from vistadream.workers.slots import Slot

_log = logging.getLogger("vistadream.workers")
_LOOK_S = 0.2
CANCEL_KILL_S = 4.0
"""A worker that has not ended a cancelled task by then is killed: it does not even get to its own watch."""
STOP_KILL_S = 5.0
"""The same for a worker that was stopped."""
_SHORT_LIFE_S = 10.0
_LONGEST_DELAY_S = 30.0


@dataclass
class _Worker:
    """The process in a slot, and the writing end of its pipe, whose closing ends it."""

    name: str
    process: subprocess.Popen
    pipe: int | None
    began_s: float
    cancel_seen_s: float | None = None

    def close(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None


class Pool:
    """One worker in each slot. A dead one is replaced, after a growing delay if it dies young again and again."""

    def __init__(self, command: Sequence[str], queue: Queue, slots: Iterable[Slot]):
        """`command` starts a worker; `name=` and `parent=`, the file descriptor of its pipe, are added as words.

        The slots are listed at the start alone, as it can take a second to learn which GPUs there are.
        """
        self._command, self._queue, self._wanted = tuple(command), queue, slots
        self._slots: tuple[Slot, ...] = ()
        self._workers: dict[str, _Worker] = {}
        self._next_start_s: dict[str, float] = {}
        self._short_lives: dict[str, int] = {}
        self._draining, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="pool", daemon=True)
        self.restarts = 0

    def start(self) -> None:
        """Starts the workers, without waiting until they are ready."""
        self._slots = tuple(self._wanted)
        self._look()
        self._thread.start()

    def pids(self) -> list[int]:
        with self._lock:
            return [worker.process.pid for worker in self._workers.values()]

    def alive(self) -> int:
        """How many workers are alive."""
        with self._lock:
            return sum(worker.process.poll() is None for worker in self._workers.values())

    def is_at_work(self) -> bool:
        """Whether any worker is alive."""
        return self.alive() > 0

    def drain(self) -> None:
        """From now on no task is begun; those under way go on, and each worker ends after its own."""
        self._draining.set()
        with self._lock:
            for worker in self._workers.values():
                if worker.pipe is not None:
                    with suppress(BrokenPipeError):
                        os.write(worker.pipe, DRAIN)

    def stop(self, drain_s: float = 0.0) -> None:
        """Gives tasks under way so long to end, then interrupts them, to go on at the next start."""
        self.drain()
        self._wait(drain_s)
        self._ended.set()
        with self._lock:
            for worker in self._workers.values():
                worker.close()
        self._wait(STOP_KILL_S)
        if self._thread.is_alive():
            self._thread.join()
        for worker in self._workers.values():
            worker.process.kill()
            worker.process.wait()

    def stop_now(self) -> None:
        """Cuts short the time of `stop`, which another thread is in."""
        self._ended.set()

    def _wait(self, seconds: float) -> None:
        """Until all workers have ended, so long at most, or until `stop_now`."""
        deadline, at_once = time.monotonic() + seconds, self._ended.is_set()
        while time.monotonic() < deadline and (at_once or not self._ended.is_set()):
            with self._lock:
                if all(worker.process.poll() is not None for worker in self._workers.values()):
                    return
            time.sleep(0.02)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            try:
                self._look()
                self._kill_overdue()
            except Exception:  # such as a database that is locked for long: the workers must be watched on
                _log.exception("the workers could not be looked after; another try follows")

    def _look(self) -> None:
        """Takes note of workers that ended, and starts those that are missing."""
        with self._lock:
            for slot in self._slots:
                worker = self._workers.get(slot.name)
                if worker and worker.process.poll() is not None:
                    self._bury(slot, self._workers.pop(slot.name))
                due = time.monotonic() >= self._next_start_s.get(slot.name, 0.0)
                if slot.name not in self._workers and due and not self._draining.is_set():
                    self._workers[slot.name] = self._started(slot)

    def _bury(self, slot: Slot, worker: _Worker) -> None:
        worker.close()
        code, now = worker.process.returncode, time.monotonic()
        young = code != 0 and now - worker.began_s < _SHORT_LIFE_S
        self._short_lives[slot.name] = self._short_lives.get(slot.name, 0) + 1 if young else 0
        delay_s = min(_LONGEST_DELAY_S, 0.5 * 2 ** self._short_lives[slot.name]) if young else 0.0
        self._next_start_s[slot.name] = now + delay_s
        if code:
            _log.warning("worker %s ended with code %d; another one takes its place", slot.name, code)
        self.restarts += 1
        self._queue.worker_died(worker.name, -code if code < 0 else None)

    def _started(self, slot: Slot) -> _Worker:
        name = f"{slot.name}-{secrets.token_hex(6)}"
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(
                [*self._command, f"name={name}", f"parent={reading}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[reading],
                start_new_session=True,  # Ctrl-C on the server's terminal is for the server alone
                env={**os.environ, **slot.environment},
            )
        finally:
            os.close(reading)
        return _Worker(name, process, writing, time.monotonic())

    def _kill_overdue(self) -> None:
        """Kills workers that hang in a task that was cancelled a while ago."""
        asked, now = self._queue.cancelled_workers(), time.monotonic()
        with self._lock:
            for worker in self._workers.values():
                worker.cancel_seen_s = (worker.cancel_seen_s or now) if worker.name in asked else None
                if worker.cancel_seen_s is not None and now - worker.cancel_seen_s > CANCEL_KILL_S:
                    worker.process.kill()
