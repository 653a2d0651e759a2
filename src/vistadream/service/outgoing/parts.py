"""The parts of the service that reach other machines."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.service.outgoing.deliveries import Deliveries
from vistadream.service.outgoing.knobs import OutgoingKnobs
from vistadream.service.outgoing.safe_http import SafeHttp
from vistadream.service.outgoing.sender import Sender
from vistadream.service.outgoing.webhooks import Webhooks
from vistadream.service.queue.database import Database

_DAY_S = 24 * 3600.0


@dataclass(frozen=True)
class Outgoing:
    """What the routes use of them."""

    http: SafeHttp
    webhooks: Webhooks
    deliveries: Deliveries
    sender: Sender


def outgoing_of(knobs: OutgoingKnobs, database: Database) -> Outgoing:
    """The parts, which share a database with the queue. The sender is not yet running."""
    http, webhooks, deliveries = SafeHttp(knobs), Webhooks(database), Deliveries(database)
    sender = Sender(webhooks, deliveries, http, knobs.webhook_s, knobs.webhook_days * _DAY_S)
    return Outgoing(http, webhooks, deliveries, sender)
