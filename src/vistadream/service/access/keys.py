"""API keys: vd_ID_SECRET. The database has the SHA-256 of the secret alone, so that a copy of it opens nothing."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from sqlalchemy import func, insert, or_, select, update

from vistadream.core import UserError
from vistadream.service.access.key_table import LONGEST_NAME, KeyRow, row_of, table
from vistadream.service.access.scopes import SCOPES, Scope
from vistadream.service.brief import Brief
from vistadream.service.queue.database import Database
from vistadream.service.queue.tables import ALPHABET

DEFAULT_SCOPES: tuple[Scope, ...] = ("jobs:read", "jobs:write")
_SECRET_BYTES = 32
_USE_NOTED_S = 60.0
"""The time of the last use is written at most this often."""
_KEY = re.compile(r"vd_([0-9a-z]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_DAY_S = 86_400
_THERE_S = 1.0
"""How long reading requests rely on an answer whether there are keys."""

_PUBLIC = [table.c[field.name] for field in fields(KeyRow)]


class NewKey(NamedTuple):
    """A key that was just made, and its text, which is nowhere else."""

    row: KeyRow
    text: str


class Keys:
    """The keys of a service; each method is one transaction. Safe in threads and in processes."""

    def __init__(self, database: Database):
        self._database = database
        self.are_there_lately = Brief(self.are_there, _THERE_S)
        """`are_there` as it was at most a second ago; keys that this object makes or revokes are seen at once."""

    def add(
        self,
        name: str,
        owner: str | None = None,
        scopes: Sequence[Scope] = DEFAULT_SCOPES,
        expires_days: float | None = None,
    ) -> NewKey:
        """Makes a key. UserError for a name, an owner or a scope that cannot be."""
        owner = name if owner is None else owner
        _check(name, owner, scopes)
        secret, now_s = secrets.token_urlsafe(_SECRET_BYTES), time.time()
        values: dict[str, Any] = {
            "id": "".join(secrets.choice(ALPHABET) for _ in range(12)),
            "name": name,
            "owner": owner,
            "scopes": list(scopes),
            "created_s": now_s,
            "expires_s": None if expires_days is None else now_s + expires_days * _DAY_S,
        }
        with self._database.writing() as connection:
            connection.execute(insert(table).values(**values, digest=_digest(secret)))
        self.are_there_lately.forget()
        return NewKey(KeyRow(**{**values, "scopes": tuple(scopes)}), f"vd_{values['id']}_{secret}")

    def listed(self) -> list[KeyRow]:
        """All keys, also those that open nothing any more, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(*_PUBLIC).order_by(table.c.created_s, table.c.id))
            return [row_of(row) for row in rows.mappings()]

    def get(self, id: str) -> KeyRow | None:
        """The key of an id."""
        with self._database.reading() as connection:
            row = connection.execute(select(*_PUBLIC).where(table.c.id == id)).mappings().first()
        return None if row is None else row_of(row)

    def revoke(self, id: str) -> bool:
        """Has a key open nothing from now on; False for one that is not there or was revoked before."""
        mine = update(table).where(table.c.id == id, table.c.revoked_s.is_(None))
        with self._database.writing() as connection:
            revoked = bool(connection.execute(mine.values(revoked_s=time.time())).rowcount)
        self.are_there_lately.forget()
        return revoked

    def are_there(self) -> bool:
        """Whether there is a key that was not revoked. An expired one counts: its end opens the service to nobody."""
        with self._database.reading() as connection:
            return bool(connection.scalar(select(func.count()).where(table.c.revoked_s.is_(None))))

    def known(self, text: str) -> KeyRow | None:
        """The key with this text, expired or revoked though it may be; None where there is none."""
        if not (parts := _KEY.fullmatch(text)):
            return None
        with self._database.reading() as connection:
            found = connection.execute(select(table).where(table.c.id == parts[1])).mappings().first()
        if found is None or not hmac.compare_digest(found["digest"], _digest(parts[2])):
            return None
        return row_of({name: value for name, value in found.items() if name != "digest"})

    def note_use(self, row: KeyRow) -> None:
        """Writes that a key was used, unless that was written a short while ago."""
        now_s = time.time()
        if row.used_s is not None and row.used_s > now_s - _USE_NOTED_S:
            return
        mine = update(table).where(
            table.c.id == row.id, or_(table.c.used_s.is_(None), table.c.used_s <= now_s - _USE_NOTED_S)
        )
        with self._database.writing() as connection:
            connection.execute(mine.values(used_s=now_s))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(name: str, owner: str, scopes: Sequence[str]) -> None:
    for what, text in (("name", name), ("owner", owner)):
        if not text.strip() or len(text) > LONGEST_NAME or not text.isprintable():
            raise UserError(f"{what}: got {text[:LONGEST_NAME]!r}; wanted 1 to {LONGEST_NAME} letters: name={what}1")
    if not scopes or (odd := [scope for scope in scopes if scope not in SCOPES]):
        got = odd[0] if scopes else list(scopes)
        raise UserError(f"scopes: got {str(got)[:LONGEST_NAME]!r}; wanted some of {', '.join(SCOPES)}")
