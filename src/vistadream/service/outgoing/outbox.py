"""The messages about the end of a job, written in the transaction that ends it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, or_, select

from vistadream.service.outgoing.tables import DeliveryRow, deliveries, webhooks
from vistadream.service.queue.listed import listed, time_text
from vistadream.service.queue.tables import JobRow, new_id


def write_deliveries(connection: Connection, job: JobRow) -> None:
    """One message for each endpoint that wants to know of this end."""
    event, now_s = f"job.{job.state}", time.time()
    wanted = select(webhooks.c.id, webhooks.c.events).where(
        webhooks.c.owner == job.owner,
        ~webhooks.c.disabled,
        or_(webhooks.c.job_id.is_(None), webhooks.c.job_id == job.id),
    )
    kept = wanted.with_for_update(read=True, key_share=True)  # nobody removes an endpoint meanwhile
    to = [row.id for row in connection.execute(kept) if event in row.events]
    body = message(event, listed(job), now_s)
    rows = [DeliveryRow(new_id(), each, job.id, event, body, next_s=now_s, created_s=now_s) for each in to]
    if rows:
        connection.execute(insert(deliveries), [asdict(row) for row in rows])


def message(event: str, data: dict[str, Any], now_s: float) -> str:
    """The body of a message, which is signed and sent as it stands here."""
    return json.dumps({"type": event, "timestamp": time_text(now_s), "data": data}, separators=(",", ":"))
