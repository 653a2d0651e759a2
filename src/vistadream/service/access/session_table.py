"""The table of sessions of browsers."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, String, Table

from vistadream.service.queue.tables import metadata

table = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("name", String(210), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("key_id", String(12)),
    Column("token_ends_s", Float(53)),
    Column("ends_s", Float(53), nullable=False),
)
