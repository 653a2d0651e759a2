"""A batch under way, as its driver sees it, and as an engine gets it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vistadream.batch.events import EventReader
from vistadream.batch.folder import BatchFolder
from vistadream.batch.knobs import Knobs
from vistadream.batch.overseer import Overseer
from vistadream.batch.plan import Counted
from vistadream.batch.queue import DiskQueue
from vistadream.batch.tally import Tally
from vistadream.batch.todo import Lister
from vistadream.batch.words import elsewhere
from vistadream.core import UserError
from vistadream.workers.file_lock import try_lock

_LOOK_S = 0.2
_EACH_S = 1.0
_SAY_EACH_S = 10.0


class Batch:
    """What an engine gets: the queue, the words of its workers, and what was asked for meanwhile."""

    def __init__(
        self,
        folder: BatchFolder,
        queue: DiskQueue,
        words: Sequence[str],
        lister: Lister | None,
        say: Callable[[str], object],
        timeout_s: float | None = None,
    ):
        """`lister`: None for a driver that helps another one."""
        self.folder, self.queue, self._words, self._lister, self.say = folder, queue, tuple(words), lister, say
        self._asked = threading.Event()
        self._events, self._tally = EventReader(folder), Tally()
        self._overseer = Overseer(folder, timeout_s)
        for _ in self._events.new():  # those of earlier starts
            pass
        self._next_s = self._next_line_s = time.monotonic()
        self._is_over = False
        self._trouble: str | None = None
        self._paused_by = ""
        self.is_draining = self.is_stopped = False
        """No item is begun any more; and those under way are interrupted."""

    def worker_command(self) -> list[str]:
        """The command of a worker process on a machine that sees the folder."""
        return [sys.executable, "-m", "vistadream", "batch", "worker", *self._words]

    def remote_words(self, knobs: Knobs) -> list[str]:
        """The words of a worker on another machine."""
        return elsewhere(self._words, knobs)

    def is_over(self) -> bool:
        """Whether nothing is left to do, as of the last look."""
        return self._is_over

    def look(self) -> None:
        """What a driver does again and again; it waits in between. Raises what ended the listing."""
        self._asked.wait(_LOOK_S)
        self._asked.clear()
        self._raise_what_ended_the_listing()
        if (now_s := time.monotonic()) < self._next_s:
            return
        self._next_s = now_s + _EACH_S
        trouble = self._trouble_of_watching()
        if trouble != self._trouble:
            self.say(f"paused: {trouble}" if trouble else "the disk is back: it goes on")
            self._trouble = trouble
        if now_s >= self._next_line_s and not (self._is_over or trouble):
            self._next_line_s = now_s + _SAY_EACH_S
            self.say(self._tally.line(self.counted))

    def _trouble_of_watching(self) -> str | None:
        """Looks after the workers; what is wrong with the disk, also where that shows only now."""
        try:
            if (trouble := self.queue.troubles.now()) is None:
                self._watch()
            return trouble
        except OSError as error:
            return str(error)

    def _watch(self) -> None:
        new = list(self._events.new())
        self._say_pauses(new)
        self._tally.add(new)
        self._overseer.add(new)
        for line in self._overseer.look(self.queue.is_all_taken()):
            self.say(line)
        self.queue.overdue = self._overseer.overdue_workers()
        self.queue.sweep()
        self._is_over = self.queue.is_over()

    def _say_pauses(self, events: Iterable[dict[str, Any]]) -> None:
        """Says what workers met that is no item's fault, such as lost credentials, once until work goes on."""
        for event in events:
            why = {"published": "", "paused": f"{event.get('node')}: {event.get('error')}"}.get(event["event"])
            if why and why != self._paused_by:
                self.say(f"paused on {why}")
            self._paused_by = self._paused_by if why is None else why

    def has_begun(self) -> bool:
        """Waits until there is an item to work on; False where there is none, or where somebody asked for the end."""
        while not (self.has_work() or self.is_over() or self.is_draining):
            self.look()
        return not (self.is_over() or self.is_draining)

    def has_work(self) -> bool:
        """Whether the plan holds an item that is not settled."""
        return self.queue.has_work()

    def _raise_what_ended_the_listing(self) -> None:
        if self._lister and self._lister.error:
            raise self._lister.error
        if self._lister is None and self.counted is None and (lock := try_lock(self.folder.driver)):
            lock.close()
            raise UserError("the driver that listed the items is gone; wanted one: give the same command again")

    @property
    def counted(self) -> Counted | None:
        """What was found, once the listing is at its end."""
        return self.queue.counted

    def drain(self) -> None:
        """No item is begun any more."""
        self.is_draining = True
        self._asked.set()

    def stop(self) -> None:
        """Items under way are interrupted."""
        self.is_draining = self.is_stopped = True
        self._asked.set()
