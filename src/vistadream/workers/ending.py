"""How the end of a task, or of a whole worker, is brought about from outside of the thread that works.

A task is asked to end, and does so at its next observation. One that makes none for a while is interrupted by an
exception, and then by the end of the process: its folder allows that at any moment.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from vistadream.core import Cancelled
from vistadream.workers.queue import Outcome, Queue, Task

INTERRUPT_S = 1.5
"""From asking a task to end to interrupting it."""
EXIT_S = 3.0
"""From asking a task to end to ending the process."""
DRAIN = b"d"
"""What the parent writes into the pipe when the worker is to take no more tasks. Closing the pipe ends it at once."""
_LOOK_S = 0.25
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Ending:
    """Watches the parent, the signals and the queue for a worker; made and used in its main thread."""

    def __init__(self, queue: Queue, parent: int | None = None):
        """`parent`: the file descriptor of a pipe that the parent holds open; None for a worker without one."""
        self._queue, self._parent = queue, parent
        if parent is not None:
            os.set_blocking(parent, False)
        self._no_more = threading.Event()
        self._stopped = False
        self._task: Task | None = None
        self._asked_s: float | None = None
        self._cancelled = self._interrupted = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Signals and the pipe are heeded in the block."""
        before: dict[int, Any] = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._interrupt)
        threading.Thread(target=self._watch, name="ending", daemon=True).start()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self, seconds: float) -> bool:
        """Waits; returns early, and True, when no more tasks are to be taken."""
        self._listen_to_parent(0)
        return self._no_more.wait(seconds)

    def during(self, task: Task, act: Callable[[Task, Callable[[], bool]], Outcome]) -> Outcome:
        """The outcome of `act(task, cancelled)`; "cancelled" where somebody asked for that."""
        self._asked_s, self._cancelled, self._interrupted, self._task = None, False, False, task
        try:
            outcome = act(task, self._is_asked)
        except Cancelled:  # it came between two instructions around the work
            outcome = Outcome("interrupted")
        finally:
            self._task = None
        return Outcome("cancelled") if outcome.state == "interrupted" and self._cancelled else outcome

    def _is_asked(self) -> bool:
        return self._stopped or self._cancelled

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._task and self._is_asked():
            raise Cancelled("interrupted")

    def _stop(self) -> None:
        self._stopped = True
        self._no_more.set()

    def _watch(self) -> None:
        while True:
            self._listen_to_parent(_LOOK_S)
            if task := self._task:
                self._cancelled = self._cancelled or self._queue.is_cancelled(task)
                if self._is_asked():
                    self._press(task)

    def _listen_to_parent(self, seconds: float) -> None:
        """Waits so long for what the parent says."""
        if (parent := self._parent) is None:
            time.sleep(seconds)
        elif select.select([parent], [], [], seconds)[0]:
            with suppress(BlockingIOError):  # the other thread has read it
                if os.read(parent, 1) == DRAIN:
                    self._no_more.set()
                else:
                    self._stop()
                    self._parent = None

    def _press(self, task: Task) -> None:
        """Interrupts a task that was asked to end a while ago, and in the end leaves with the process."""
        self._asked_s = self._asked_s or time.monotonic()
        waited_s = time.monotonic() - self._asked_s
        if waited_s > EXIT_S:
            self._queue.leave(task, Outcome("cancelled" if self._cancelled else "interrupted"))
            os._exit(0)
        if waited_s > INTERRUPT_S and not self._interrupted:  # once: a second one would interrupt the closing of files
            self._interrupted = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
