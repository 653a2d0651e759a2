"""The table of API keys, and a row of it as a value."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Float, String, Table

from vistadream.service.access.scopes import Scope
from vistadream.service.queue.tables import metadata

LONGEST_NAME = 100

table = Table(
    "api_keys",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(LONGEST_NAME), nullable=False),
    Column("owner", String(LONGEST_NAME), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_s", Float(53), nullable=False),
    Column("expires_s", Float(53)),
    Column("used_s", Float(53)),
    Column("revoked_s", Float(53)),
)


@dataclass(frozen=True)
class KeyRow:
    """One key, without its secret. Times are in seconds since 1970."""

    id: str
    name: str
    owner: str
    """Whose jobs a request with this key sees and makes."""
    scopes: tuple[Scope, ...]
    created_s: float
    expires_s: float | None = None
    """None: it does not expire."""
    used_s: float | None = None
    revoked_s: float | None = None

    @property
    def state(self) -> str:
        """Whether it opens anything: "valid", "expired" or "revoked"."""
        if self.revoked_s is not None:
            return "revoked"
        return "expired" if self.expires_s is not None and self.expires_s <= time.time() else "valid"


def row_of(found: Mapping[Any, Any]) -> KeyRow:
    """The row of a statement as a value."""
    return KeyRow(**{**found, "scopes": tuple(found["scopes"])})
