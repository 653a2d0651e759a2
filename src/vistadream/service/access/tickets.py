"""Tickets: a page cannot send a key with an EventSource, a WebSocket or a link; it gets a ticket for the address.

A ticket opens the events and the results of one job for some minutes, for reading, and as long as the key is valid.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import NamedTuple

from vistadream.service.access.caller import Caller

LIVES_S = 300
_OPENS = re.compile(r"/v1/jobs/([^/]+)/(?:events|ws|results(?:/.*)?)", re.DOTALL)


class _Ticket(NamedTuple):
    job_id: str
    caller: Caller
    ends_s: float


class Tickets:
    """The tickets of a service, in memory: a restart ends them."""

    def __init__(self) -> None:
        self._tickets: dict[str, _Ticket] = {}

    def issue(self, job_id: str, caller: Caller) -> str:
        """A new ticket for a job of the caller."""
        now_s = time.monotonic()
        self._tickets = {text: each for text, each in self._tickets.items() if each.ends_s > now_s}
        text = secrets.token_urlsafe(32)
        reader = Caller(caller.owner, frozenset({"jobs:read"}), caller.name, caller.key_id)
        self._tickets[text] = _Ticket(job_id, reader, now_s + LIVES_S)
        return text

    def caller(self, text: str, path: str) -> Caller | None:
        """Who has a ticket that opens this path; None where it does not."""
        ticket, names = self._tickets.get(text), _OPENS.fullmatch(path)
        if ticket is None or names is None or names[1] != ticket.job_id or ticket.ends_s <= time.monotonic():
            return None
        return ticket.caller
