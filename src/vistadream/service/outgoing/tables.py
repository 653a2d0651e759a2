"""The tables of webhooks: endpoints that are sent the ends of jobs, and what is to be sent, or was."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, RowMapping, String, Table, Text

from vistadream.service.queue.tables import metadata

EVENTS = ("job.done", "job.failed", "job.cancelled")


@dataclass(frozen=True)
class WebhookRow:
    """One endpoint."""

    id: str
    owner: str
    url: str
    secret: str
    """With which its messages are signed; needed as it is, so that no digest can stand in its place."""
    events: tuple[str, ...] = EVENTS
    job_id: str | None = None
    """It is for one job, which came with its URL; None: for all jobs of its owner."""
    disabled: bool = False
    """It answered that it is gone."""
    created_s: float = 0.0
    """Times are in seconds since 1970."""
    old_secret: str | None = None
    """The secret before; messages are signed with both for a while."""
    old_until_s: float | None = None


@dataclass(frozen=True)
class DeliveryRow:
    """One message to one endpoint."""

    id: str
    """Goes with the message, however often it is sent."""
    webhook_id: str
    job_id: str
    event: str
    body: str
    state: str = "waiting"
    """waiting, delivered, or failed after the last try."""
    tries: int = 0
    next_s: float = 0.0
    """When it is sent next."""
    status: int | None = None
    """Of the last answer."""
    error: str | None = None
    """Why the last try failed."""
    created_s: float = 0.0
    ended_s: float | None = None


webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", String(100), nullable=False),
    Column("events", JSON, nullable=False),
    Column("job_id", String(26)),
    Column("disabled", Boolean, nullable=False),
    Column("created_s", Float(53), nullable=False),
    Column("old_secret", String(100)),
    Column("old_until_s", Float(53)),
)
Index("webhooks_of_owner", webhooks.c.owner, webhooks.c.id)
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("webhook_id", String(26), ForeignKey(webhooks.c.id, ondelete="CASCADE"), nullable=False),
    Column("job_id", String(26), nullable=False),
    Column("event", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_s", Float(53), nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("created_s", Float(53), nullable=False),
    Column("ended_s", Float(53)),
)
Index("deliveries_due", deliveries.c.state, deliveries.c.next_s)
Index("deliveries_of_webhook", deliveries.c.webhook_id, deliveries.c.id)


def webhook_of(row: RowMapping) -> WebhookRow:
    """The row of a statement as a value."""
    return WebhookRow(**{**row, "events": tuple(row["events"])})
