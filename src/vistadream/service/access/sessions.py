"""Sessions: a browser gives its key once and has a cookie from then on, also after a restart of the service.

The database has the SHA-256 of the cookie alone, as of keys. A session lets in as long as its key or token would.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time

from sqlalchemy import delete, insert, select

from vistadream.service.access.caller import Caller
from vistadream.service.access.session_table import table
from vistadream.service.queue.database import Database

LIVES_S = 30 * 86_400
_BYTES = 32


class Sessions:
    """The sessions of a service; each method is one transaction."""

    def __init__(self, database: Database):
        self._database = database

    def open(self, caller: Caller) -> str:
        """A new session of somebody who was let in; the text of its cookie. Sessions that have ended are removed."""
        text, now_s = secrets.token_urlsafe(_BYTES), time.time()
        values = {
            "digest": _digest(text),
            "owner": caller.owner,
            "name": caller.name,
            "scopes": sorted(caller.scopes),
            "key_id": caller.key_id,
            "token_ends_s": caller.ends_s,
            "ends_s": now_s + LIVES_S,
        }
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.ends_s <= now_s))
            connection.execute(insert(table).values(values))
        return text

    def caller(self, text: str) -> Caller | None:
        """Whose session it is; None for one that is not there or has ended. Whether its key is valid is not asked."""
        with self._database.reading() as connection:
            found = connection.execute(select(table).where(table.c.digest == _digest(text))).mappings().first()
        if found is None or found["ends_s"] <= time.time():
            return None
        ends_s = found["token_ends_s"]
        return Caller(found["owner"], frozenset(found["scopes"]), found["name"], found["key_id"], ends_s)

    def close(self, text: str) -> None:
        """Ends a session, if it is there."""
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.digest == _digest(text)))


def cookie_name(host: str) -> str:
    """The name of the cookie: with the port, as browsers send a cookie to all ports of a host."""
    port = re.search(r":(\d{1,5})$", host)
    return f"vistadream_session{f'_{port[1]}' if port else ''}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
