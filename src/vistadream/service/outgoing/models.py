"""What the service answers about webhooks, as the OpenAPI document describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from vistadream.service.models import ID
from vistadream.service.outgoing.safe_http import LONGEST_URL

Event = Literal["job.done", "job.failed", "job.cancelled"]
EVENT_OF: dict[str, Event] = {"task_completed": "job.done", "task_failed": "job.failed"}
"""The events of MLSharp's API."""
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


class NewWebhook(BaseModel):
    """An endpoint that is to be sent the ends of jobs."""

    model_config = ConfigDict(extra="forbid")
    url: str = Field(max_length=LONGEST_URL, examples=["https://gallery.example.org/scenes"])
    events: list[Event] = Field(["job.done", "job.failed", "job.cancelled"], min_length=1, max_length=3)
    event_type: Literal["task_completed", "task_failed"] | None = Field(
        None,
        description="In place of events, from clients of MLSharp: replaces the endpoint that has this event alone.",
    )


class Webhook(BaseModel):
    """An endpoint that is sent the ends of jobs."""

    id: str = Field(examples=[ID])
    url: str = Field(examples=["https://gallery.example.org/scenes"])
    events: list[Event]
    disabled: bool = Field(description="It answered 410. A test that it passes enables it.")
    created: datetime


class WebhookWithSecret(Webhook):
    """An endpoint with its secret, which is shown this once."""

    secret: str = Field(examples=[_SECRET])
    old_secret_until: datetime | None = Field(None, description="Until then messages are signed with both secrets.")


class Webhooks(BaseModel):
    """The endpoints of the caller, the newest first."""

    webhooks: list[Webhook]


class Removed(BaseModel):
    """An endpoint is gone."""

    status: Literal["success"] = "success"
    message: str = Field(examples=["1 webhook was removed"])


class Tested(BaseModel):
    """How an endpoint took a test."""

    delivered: bool
    status: int | None = Field(None, description="Of its answer.")
    error: str | None = Field(None, description="One sentence: what was wrong.")


class Delivery(BaseModel):
    """One message about the end of one job."""

    id: str = Field(description="The header webhook-id, the same at each try.", examples=[ID])
    job_id: str = Field(examples=[ID])
    event: Event
    state: Literal["waiting", "delivered", "failed"]
    tries: int
    status: int | None = Field(None, description="Of the last answer.")
    error: str | None = Field(None, description="Why the last try failed.")
    created: datetime
    next_try: datetime | None = Field(None, description="While it waits.")
    ended: datetime | None = None


class Deliveries(BaseModel):
    """Some messages of an endpoint, the newest first."""

    deliveries: list[Delivery]
    next: str | None = Field(None, description="The cursor of the next page; null on the last one.", examples=[ID])
