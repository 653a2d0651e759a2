"""The queue of a batch on the disk, as `workers.queue.Queue`: each worker walks the plan and claims what is free."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import asdict

from vistadream.batch.claim import Claim, Worker
from vistadream.batch.claims import Claims
from vistadream.batch.endings import Endings
from vistadream.batch.events import Events
from vistadream.batch.folder import BatchFolder, marker_key
from vistadream.batch.held import Held
from vistadream.batch.history import history_of
from vistadream.batch.items import Item
from vistadream.batch.marks import Places
from vistadream.batch.quarantine import Patience
from vistadream.batch.storage import Storage
from vistadream.batch.taking import Taking
from vistadream.batch.troubles import Troubles
from vistadream.batch.view import BatchView
from vistadream.batch.work import Keep, work_on
from vistadream.formats.json_file import parse_json
from vistadream.workers.queue import Outcome, Task

_BEAT_S = 5.0


class DiskQueue(BatchView):
    """The queue as one worker sees it. A driver has one too, to bury workers that died."""

    def __init__(
        self,
        folder: BatchFolder,
        storage: Storage,
        me: Worker,
        keep: Keep = "results",
        patience: Patience | None = None,
        dead_after_s: float = 120,
        min_free_gb: float = 0,
        images: str = "",
    ):
        super().__init__(folder, storage, Claims(folder, me, dead_after_s))
        self._me, self._keep, self._images = me, keep, images
        self.troubles = Troubles(folder, min_free_gb)
        self._events = Events(folder, me.name, me.node, me.device)
        self._endings = Endings(folder, storage, self._claims, self._events, patience or Patience())
        self._taking = Taking(folder, self._claims, self._window, me)
        self._swept: set[str] = set()
        self.overdue: Collection[str] = ()
        """Workers that do not end what they were asked to end, as the driver found."""
        self._beat_s = min(_BEAT_S, dead_after_s / 6)
        self._has: Held | None = None

    def sweep(self) -> None:
        """Removes what is left of items that were settled before the last sweep, such as by a worker that died then."""
        settled = {id for id in self._claims.there() if self.is_settled(id)}
        for id in settled & self._swept:
            self._claims.remove(id)
        self._swept = settled

    def take_item(self, item: Item) -> Task | None:
        """As `take`, of this item alone."""
        return self._first([item])

    def take(self, worker: str, fresh: bool) -> Task | None:
        """The next item, as `Taking` chooses it; None while the disk is in trouble."""
        return self._first()

    def _first(self, items: Iterable[Item] | None = None) -> Task | None:
        """The first item that this worker gets; None: of those in the plan."""
        if self.troubles.now():
            return None
        for item, claim in self._taking.offers(items):
            if self._is_to_do(item, claim):
                self._has = Held(item, claim, self._beat_s)
                after = {"after": asdict(before[-1])} if (before := history_of(claim.folder)) else {}
                self._events.add("began", id=item.id, attempt=claim.number, size_px=item.size_px, **after)
                return Task(item.id, claim.number, "single_img", item.words, claim.run)
        return None

    def arrive(self) -> None:
        """Says that a worker of this node begins."""
        self._events.add("started", pid=os.getpid())
        Places(self._folder).seen(self._me)

    def work(self, task: Task, cancelled: Callable[[], bool]) -> Outcome:
        """Carries out the item that was taken."""
        held = self._held(task)
        where = (self._folder, self._storage, self._keep)
        return work_on(held.item, task.attempt, *where, cancelled, self._me.device, self._images)

    def settle(self, task: Task, outcome: Outcome) -> None:
        held = self._held(task)
        held.ended.set()
        self._events.add("ended", id=task.id, attempt=task.attempt, **held.facts(outcome))
        if outcome.state == "done":
            if self._published_by(task):
                self._events.add("published", id=task.id, attempt=task.attempt)
            self._claims.drop(held.claim)
        elif self.troubles.met(outcome):
            self._endings.pause(held.claim, outcome)
        elif self._claims.holds(held.claim):
            self._endings.try_again(held.item, held.claim, outcome)
        self._has = None

    leave = settle

    def wants_fresh(self) -> bool:
        return False

    def is_cancelled(self, task: Task) -> bool:
        return self._has is not None and (self._has.is_lost.is_set() or self._has.why_stopped is not None)

    def cancelled_workers(self) -> Collection[str]:
        return self.overdue

    def worker_died(self, worker: str, signal: int | None) -> None:
        for id, number in self._claims.bury(worker, signal):
            self._events.add("killed", id=id, attempt=number, of=worker, signal=signal)

    def _is_to_do(self, item: Item, claim: Claim) -> bool:
        """Whether a claim is one to work on: not where the item was settled since, or has had its attempts."""
        if self.is_settled(item.id):
            self._claims.drop(claim)
            return False
        return not self._endings.gave_up(item, claim, history_of(claim.folder))

    def _published_by(self, task: Task) -> bool:
        """Whether this attempt published the item, and not another one that was under way at the same time."""
        with suppress(OSError, ValueError):
            return parse_json(self._storage.get(marker_key(task.id)).decode()).get("attempt") == task.attempt
        return False

    def _held(self, task: Task) -> Held:
        if self._has is None or self._has.item.id != task.id:
            raise RuntimeError(f"{task.id} is not what this worker has taken")
        return self._has
