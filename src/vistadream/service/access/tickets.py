"""Tickets: a page cannot send a key with an EventSource, a WebSocket or a link; it gets a ticket for the address.

A ticket opens the events and the results of one job for some minutes, for reading, and as long as the key is valid. It
is signed and kept nowhere, so that each process with the same secret knows it.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import time

from vistadream.service.access.caller import Caller

LIVES_S = 300
_OPENS = re.compile(r"/v1/jobs/([^/]+)/(?:events|ws|archive|results(?:/.*)?)", re.DOTALL)
_READS = frozenset({"jobs:read"})


class Tickets:
    """Makes and knows the tickets of a service."""

    def __init__(self, secret: bytes | None = None):
        """`secret`: that of the other processes of the service; None: one of its own, which ends with this process."""
        self._secret = secret or secrets.token_bytes(32)

    def issue(self, job_id: str, caller: Caller) -> str:
        """A new ticket for a job of the caller."""
        about = [job_id, caller.owner, caller.name, caller.key_id, caller.ends_s, time.time() + LIVES_S]
        text = base64.urlsafe_b64encode(json.dumps(about).encode()).decode()
        return f"{text}.{self._signed(text)}"

    def caller(self, text: str, path: str) -> Caller | None:
        """Who has a ticket that opens this path; None where it does not."""
        about, _, signature = text.partition(".")
        if not hmac.compare_digest(self._signed(about).encode(), signature.encode()):
            return None
        job_id, owner, name, key_id, key_ends_s, ends_s = json.loads(base64.urlsafe_b64decode(about))
        names = _OPENS.fullmatch(path)
        if names is None or names[1] != job_id or ends_s <= time.time():
            return None
        return Caller(owner, _READS, name, key_id, key_ends_s)

    def _signed(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode(), "sha256").hex()
