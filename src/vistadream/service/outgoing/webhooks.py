"""The endpoints of each owner."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Executable, Select, delete, func, insert, select, update

from vistadream.service.outgoing.signing import new_secret
from vistadream.service.outgoing.tables import EVENTS, WebhookRow, webhook_of, webhooks
from vistadream.service.queue.database import Database
from vistadream.service.queue.tables import new_id

MOST = 20
"""Endpoints of one owner, without those of single jobs."""
_OLD_SECRET_S = 24 * 3600.0
"""How long messages are signed with the secret before, too."""


class Webhooks:
    """The table of endpoints; each method is one transaction."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database, self._clock = database, clock

    def add(self, owner: str, url: str, events: Sequence[str]) -> WebhookRow | None:
        """A new endpoint; None when the owner has too many."""
        row = self._new(owner, url, events)
        with self._database.writing() as connection:
            mine = select(func.count()).where(webhooks.c.owner == owner, webhooks.c.job_id.is_(None))
            if connection.scalar(mine) >= MOST:
                return None
            connection.execute(insert(webhooks).values(asdict(row)))
        return row

    def for_job(self, owner: str, url: str, job_id: str) -> Callable[[Connection], None]:
        """Writes an endpoint for one job, in the transaction that adds it."""
        row = self._new(owner, url, EVENTS, job_id)

        def write(connection: Connection) -> None:
            connection.execute(insert(webhooks).values(asdict(row)))

        return write

    def of_job(self, job_id: str) -> WebhookRow | None:
        """The endpoint that came with a job."""
        return self._first(select(webhooks).where(webhooks.c.job_id == job_id))

    def get(self, id: str, owner: str) -> WebhookRow | None:
        """None for that of another owner."""
        return self._first(select(webhooks).where(webhooks.c.id == id, webhooks.c.owner == owner))

    def all_of(self, owner: str) -> list[WebhookRow]:
        """The newest first, without those of single jobs."""
        wanted = select(webhooks).where(webhooks.c.owner == owner, webhooks.c.job_id.is_(None))
        with self._database.reading() as connection:
            return [webhook_of(row) for row in connection.execute(wanted.order_by(webhooks.c.id.desc())).mappings()]

    def remove(self, *ids: str) -> int:
        """Removes endpoints with their deliveries; how many there were."""
        return self._write(delete(webhooks).where(webhooks.c.id.in_(ids)))

    def remove_for(self, owner: str, event: str) -> int:
        """Removes the endpoints of an owner that have this event alone; how many there were."""
        return self.remove(*(row.id for row in self.all_of(owner) if row.events == (event,)))

    def rotate(self, id: str) -> WebhookRow | None:
        """A new secret; the one before is valid for a day. None when there is no such endpoint any more."""
        until_s = self._clock() + _OLD_SECRET_S
        values = {"old_secret": webhooks.c.secret, "old_until_s": until_s, "secret": new_secret()}
        with self._database.writing() as connection:
            changed = update(webhooks).where(webhooks.c.id == id).values(values).returning(*webhooks.c)
            row = connection.execute(changed).mappings().first()
        return None if row is None else webhook_of(row)

    def enable(self, id: str, enabled: bool) -> None:
        """Whether it is sent the ends of jobs."""
        self._write(update(webhooks).where(webhooks.c.id == id).values(disabled=not enabled))

    def _new(self, owner: str, url: str, events: Sequence[str], job_id: str | None = None) -> WebhookRow:
        return WebhookRow(new_id(), owner, url, new_secret(), tuple(events), job_id, created_s=self._clock())

    def _first(self, wanted: Select) -> WebhookRow | None:
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else webhook_of(row)

    def _write(self, statement: Executable) -> int:
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount
