"""What follows the end of an attempt that published nothing: another one, or the quarantine."""

from __future__ import annotations

from vistadream.batch.claim import Claim
from vistadream.batch.claims import Claims
from vistadream.batch.events import Events
from vistadream.batch.folder import BatchFolder
from vistadream.batch.history import ended_as, history_of, log_tail
from vistadream.batch.items import Item
from vistadream.batch.marks import why_to_stop
from vistadream.batch.quarantine import Attempt, Patience, Quarantine, verdict
from vistadream.batch.storage import Storage
from vistadream.workers.queue import Outcome


class Endings:
    """The decisions of one worker about the items that it has."""

    def __init__(self, folder: BatchFolder, storage: Storage, claims: Claims, events: Events, patience: Patience):
        self._folder, self._storage, self._claims = folder, storage, claims
        self._events, self._patience = events, patience
        self._quarantine = Quarantine(folder)

    def pause(self, claim: Claim, outcome: Outcome) -> None:
        """Lets an item go whose attempt met trouble of the whole batch: no attempt is counted."""
        self._events.add("paused", error=outcome.error)
        self._claims.settle(claim, ended_as(claim.folder, claim.id, claim.number, "interrupted", error=outcome.error))

    def try_again(self, item: Item, claim: Claim, outcome: Outcome) -> None:
        """Lets an item go for another attempt, or gives it up."""
        error = why_to_stop(claim.folder) or outcome.error
        state = ("slow" if error else "interrupted") if outcome.state == "cancelled" else outcome.state
        ended = ended_as(claim.folder, claim.id, claim.number, state, error=error)
        if not self.gave_up(item, claim, [*history_of(claim.folder), ended]):
            self._claims.settle(claim, ended)

    def gave_up(self, item: Item, claim: Claim, history: list[Attempt]) -> bool:
        """Puts an item into quarantine if it has had its attempts."""
        if not history or (why := verdict(history, self._patience)) is None:
            return False
        self._quarantine.put(item.id, item.names, why, history, log_tail(claim.run))
        self._storage.share(self._folder.quarantined(item.id))
        self._events.add("given_up", id=item.id, reason=why.reason, sentence=why.sentence)
        self._claims.drop(claim)
        return True
