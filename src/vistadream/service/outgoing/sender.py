"""Sends the messages that are due: one task of the process that answers requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter

from vistadream.service.outgoing.deliveries import Deliveries
from vistadream.service.outgoing.safe_http import SafeHttp
from vistadream.service.outgoing.signing import headers_of
from vistadream.service.outgoing.tables import DeliveryRow, WebhookRow
from vistadream.service.outgoing.webhooks import Webhooks
from vistadream.service.problems import ProblemError

LOG = logging.getLogger("vistadream.service")
_LOOK_S = 1.0
"""The time from one look at the table to the next, as other processes write to it."""
_SWEEP_S = 3600.0
_MARGIN_S = 5.0
"""For looking at the tables, besides the time that a receiver has."""
_AT_ONCE, _OF_ONE_OWNER = 16, 4
"""Messages that are under way at the same time, so that one slow receiver does not hold up those of others."""


class Sender:
    """Sends messages until it is cancelled."""

    def __init__(self, webhooks: Webhooks, deliveries: Deliveries, http: SafeHttp, within_s: float, kept_s: float):
        """`within_s`: the time that a receiver has; `kept_s`: how long ended messages are kept."""
        self._webhooks, self._deliveries, self._http = webhooks, deliveries, http
        self._within_s, self._kept_s = within_s, kept_s
        self._under_way: dict[asyncio.Task, str] = {}
        self._swept_s = -_SWEEP_S

    async def run(self) -> None:
        """Sends what is due, again and again; errors of the database are logged and survived."""
        try:
            while True:
                try:
                    await self._begin_due()
                    await self._sweep()
                except Exception:
                    LOG.exception("webhooks could not be read")
                await self._pause()
        finally:
            for task in self._under_way:
                task.cancel()

    async def send(self, webhook: WebhookRow, message_id: str, body: str) -> tuple[int | None, str | None]:
        """Sends a message; the status of the answer, and what was wrong with it."""
        headers = headers_of(webhook, message_id, body, time.time())
        try:
            status = await self._http.post(webhook.url, body.encode(), headers, self._within_s)
        except ProblemError as error:
            return None, error.detail
        return status, None if 200 <= status < 300 else f"the receiver answered {status}; wanted 200 to 299"

    async def _begin_due(self) -> None:
        counts = Counter(self._under_way.values())
        full = [owner for owner, count in counts.items() if count >= _OF_ONE_OWNER]
        free = _AT_ONCE - len(self._under_way)
        for row, owner in await asyncio.to_thread(self._deliveries.due, free, full) if free else ():
            if counts[owner] < _OF_ONE_OWNER and (begun := await self._begun(row)):
                counts[owner] += 1
                self._under_way[asyncio.create_task(self._deliver(begun, owner))] = owner

    async def _begun(self, row: DeliveryRow) -> DeliveryRow | None:
        return await asyncio.to_thread(self._deliveries.begin, row, self._within_s + _MARGIN_S)

    async def _deliver(self, row: DeliveryRow, owner: str) -> None:
        webhook = await asyncio.to_thread(self._webhooks.get, row.webhook_id, owner)
        if webhook is None:
            return
        status, error = await self.send(webhook, row.id, row.body)
        await asyncio.to_thread(self._deliveries.settle, row, status, error)
        if error:
            LOG.warning("webhook %s: message %s, try %d: %s", row.webhook_id, row.id, row.tries, error)

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept_s >= _SWEEP_S:
            self._swept_s = time.monotonic()
            await asyncio.to_thread(self._deliveries.sweep, self._kept_s)

    async def _pause(self) -> None:
        """Until a message was sent, or for a moment."""
        if not self._under_way:
            return await asyncio.sleep(_LOOK_S)
        done, _ = await asyncio.wait(self._under_way, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            self._under_way.pop(task)
            if error := task.exception():
                LOG.error("a webhook could not be sent", exc_info=error)
