"""The table of what people say about runs: names, tags, stars, and which are to be deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, String, Table, false

from vistadream.service.queue.tables import metadata

table = Table(
    "gallery_marks",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), primary_key=True),
    Column("name", String(200)),
    Column("tags", JSON, nullable=False, server_default="[]"),
    Column("star", Boolean, nullable=False, server_default=false()),
    Column("deleted_s", Float(53)),
)


@dataclass(frozen=True)
class Mark:
    """What somebody says about one run."""

    name: str | None = None
    """None: the name of its picture or folder."""
    tags: tuple[str, ...] = ()
    star: bool = False
    deleted_s: float | None = None
    """When it was deleted, in seconds since 1970; until the time for undoing is over it is only not shown."""


def mark_of(row: Mapping[Any, Any]) -> Mark:
    """The row of a statement as a value."""
    return Mark(row["name"], tuple(row["tags"]), row["star"], row["deleted_s"])
