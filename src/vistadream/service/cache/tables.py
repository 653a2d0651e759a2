"""The table of cached results."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, String, Table, Text

from vistadream.service.queue.tables import metadata

cache_entries = Table(
    "cache_entries",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("job", String(26), nullable=False),
    Column("folder", Text, nullable=False),
    Column("input_name", String(255), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("used_s", Float(53), nullable=False),
)
