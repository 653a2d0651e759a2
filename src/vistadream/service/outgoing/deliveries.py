"""The messages that wait to be sent, and those that were."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import and_, delete, func, select, update

from vistadream.service.outgoing.tables import DeliveryRow, deliveries, webhooks
from vistadream.service.queue.database import Database
from vistadream.service.queue.tables import jobs

WAITS_S = (5.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0, 54000.0)
"""From each try to the next: 8 tries in about 24 hours."""
_JITTER = 0.1
"""So that a receiver that comes back is not sent everything in the same moment."""
_GONE = 410
ENDED = ("delivered", "failed")


class Deliveries:
    """The table of messages; each method is one transaction. Safe in threads and in processes."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database, self._clock = database, clock

    def due(self, limit: int, without: Collection[str] = ()) -> list[tuple[DeliveryRow, str]]:
        """Messages that are to be sent now, each with the owner of its endpoint, who is none of `without`."""
        wanted = (
            select(deliveries, webhooks.c.owner)
            .join(webhooks)
            .where(deliveries.c.state == "waiting", deliveries.c.next_s <= self._clock())
            .where(webhooks.c.owner.not_in(without))
            .order_by(deliveries.c.next_s, deliveries.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            found = [dict(row) for row in connection.execute(wanted).mappings()]
        return [(DeliveryRow(**row), owner) for row in found for owner in [row.pop("owner")]]

    def begin(self, row: DeliveryRow, within_s: float) -> DeliveryRow | None:
        """Counts a try before it is made. One that has not ended after this time was lost with its process.

        None where somebody else was faster.
        """
        mine = and_(deliveries.c.id == row.id, deliveries.c.state == "waiting", deliveries.c.tries == row.tries)
        return self._change(mine, tries=row.tries + 1, next_s=self._clock() + within_s)

    def settle(self, row: DeliveryRow, status: int | None, error: str | None) -> None:
        """Keeps how a try ended, and plans the next where there is one. An answer 410 disables the endpoint."""
        gone, delivered = status == _GONE, status is not None and 200 <= status < 300
        last = gone or row.tries > len(WAITS_S)
        state = "delivered" if delivered else "failed" if last else "waiting"
        times = {"next_s": self._next_s(row.tries)} if state == "waiting" else {"ended_s": self._clock()}
        mine = and_(deliveries.c.id == row.id, deliveries.c.tries == row.tries)
        self._change(mine, state=state, status=status, error=error, **times)
        if gone:
            self._disable(row.webhook_id)

    def resend(self, id: str) -> DeliveryRow | None:
        """Has an ended message sent again, with 8 tries; None unless it has ended."""
        ended = and_(deliveries.c.id == id, deliveries.c.state.in_(ENDED))
        return self._change(ended, state="waiting", tries=0, next_s=self._clock(), ended_s=None)

    def get(self, id: str, webhook_id: str) -> DeliveryRow | None:
        """A message of an endpoint."""
        wanted = select(deliveries).where(deliveries.c.id == id, deliveries.c.webhook_id == webhook_id)
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else DeliveryRow(**row)

    def page(self, webhook_id: str, before: str | None = None, limit: int = 100) -> list[DeliveryRow]:
        """Messages of an endpoint, the newest first. `before`: the last id of the last page."""
        wanted = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        wanted = wanted if before is None else wanted.where(deliveries.c.id < before)
        with self._database.reading() as connection:
            rows = connection.execute(wanted.order_by(deliveries.c.id.desc()).limit(limit)).mappings()
            return [DeliveryRow(**row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many messages there are in each state that any message is in."""
        with self._database.reading() as connection:
            rows = connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
            return {row[0]: row[1] for row in rows}

    def sweep(self, kept_s: float) -> None:
        """Removes messages that ended longer ago than this, and endpoints of single jobs that are gone."""
        with self._database.writing() as connection:
            connection.execute(delete(deliveries).where(deliveries.c.ended_s < self._clock() - kept_s))
            done = webhooks.c.id.not_in(select(deliveries.c.webhook_id))
            gone = webhooks.c.job_id.is_not(None) & webhooks.c.job_id.not_in(select(jobs.c.id))
            connection.execute(delete(webhooks).where(gone, done))

    def _next_s(self, tries: int) -> float:
        return self._clock() + WAITS_S[tries - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)

    def _disable(self, webhook_id: str) -> None:
        """Ends what waits for an endpoint, and sends it no more."""
        with self._database.writing() as connection:
            connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(disabled=True))
            waiting = deliveries.c.webhook_id == webhook_id, deliveries.c.state == "waiting"
            ended = {"state": "failed", "error": "the endpoint is disabled", "ended_s": self._clock()}
            connection.execute(update(deliveries).where(*waiting).values(ended))

    def _change(self, which: Any, **values: Any) -> DeliveryRow | None:
        with self._database.writing() as connection:
            changed = update(deliveries).where(which).values(values).returning(*deliveries.c)
            row = connection.execute(changed).mappings().first()
        return None if row is None else DeliveryRow(**row)
