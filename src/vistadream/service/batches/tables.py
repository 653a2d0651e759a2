"""The tables of batches and of their pictures, and a row of a batch as a value."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Float, Index, Integer, String, Table, UniqueConstraint

from vistadream.service.queue.tables import metadata

batches = Table(
    "batches",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("created_s", Float(53), nullable=False),
    Column("idempotency_key", String(255)),
    Column("body_digest", String(64), nullable=False),
    UniqueConstraint("owner", "idempotency_key", name="one_batch_per_key"),
)
Index("batches_of_owner", batches.c.owner, batches.c.id)
batch_jobs = Table(
    "batch_jobs",
    metadata,
    Column("batch_id", String(26), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("job_id", String(26), nullable=False),
    Column("folder", String(100), nullable=False),
)


@dataclass(frozen=True)
class BatchRow:
    """One batch."""

    id: str
    owner: str
    created_s: float
    """Seconds since 1970."""
    idempotency_key: str | None
    body_digest: str
    """sha256 of the request, to know the same request again."""
