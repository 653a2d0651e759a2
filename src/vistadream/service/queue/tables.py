"""The table of jobs, and a row of it as a value."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

ENDED = ("done", "failed", "cancelled")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32."""


def new_id() -> str:
    """26 characters: the time in milliseconds, so that ids sort by age, and 80 random bits, which nobody guesses."""
    return id_at(time.time(), secrets.randbits(80))


def id_at(time_s: float, bits: int) -> str:
    """The id with these 80 bits at a time in seconds since 1970."""
    number = (max(0, int(time_s * 1000)) << 80) | bits
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


@dataclass(frozen=True)
class JobRow:
    """One job."""

    id: str
    kind: str = "single_img"
    """The name of a file in conf/job/."""
    state: str = "queued"
    words: tuple[str, ...] = ()
    """Checked overrides, without the input."""
    owner: str = ""
    priority: int = 0
    """Higher ones go first; of equal ones the older."""
    attempt: int = 0
    """How often a worker has begun it. Only the worker of the newest attempt may finish it."""
    deaths: int = 0
    """How often its worker died since it last finished a stage."""
    digest: str = ""
    """sha256 of the input's bytes; "" without one."""
    input_name: str = ""
    """The file in the folder input/ of the job; "" without one."""
    error: str | None = None
    created_s: float = 0.0
    """Times are in seconds since 1970."""
    started_s: float | None = None
    """When the first attempt began."""
    finished_s: float | None = None
    cancel_asked: bool = False
    idempotency_key: str | None = None
    """The client's name for its request; unique for each owner."""
    body_digest: str = ""
    """sha256 of the request, to know the same request again."""
    failures: int = 0
    """How often it ended with an error of the program."""
    stages_done: int = 0
    """Finished stages when its worker last died."""
    worker: str = ""
    """Which worker process began the newest attempt; says nothing about whether that still lives."""
    request_id: str = ""
    """Of the request that asked for it."""
    degrade: bool = False
    """Whether it may be made smaller when the memory is full."""
    exclusive: bool = False
    """Whether it runs in a fresh process, alone on its device, because the memory was full before."""
    memory_steps: tuple[str, ...] = ()
    """What was done because the memory was full, a sentence each."""
    last_signal: int | None = None
    """The signal that ended its worker, where the worker's parent saw it."""
    result_key: str = ""
    """Identifies all that decides its result, and its owner unless the cache is shared; "": a run of its own."""
    scene_key: str = ""
    """The key that its last stage is to have."""
    cached_from: str | None = None
    """The job whose run its files are of, where it was not run itself."""
    disk_bytes: int = 0
    """What it takes on the disk: its input, and once it has ended its run as well."""


metadata = MetaData()
_LISTS = ("words", "memory_steps")
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("words", JSON, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("input_name", String(255), nullable=False),
    Column("error", Text),
    Column("created_s", Float(53), nullable=False),
    Column("started_s", Float(53)),
    Column("finished_s", Float(53)),
    Column("cancel_asked", Boolean, nullable=False),
    Column("idempotency_key", String(255)),
    Column("body_digest", String(64), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("stages_done", Integer, nullable=False),
    Column("worker", String(100), nullable=False),
    Column("request_id", String(64), nullable=False, server_default=""),
    Column("degrade", Boolean, nullable=False, server_default=false()),
    Column("exclusive", Boolean, nullable=False, server_default=false()),
    Column("memory_steps", JSON, nullable=False, server_default="[]"),
    Column("last_signal", Integer),
    Column("result_key", String(64), nullable=False, server_default=""),
    Column("scene_key", String(64), nullable=False, server_default=""),
    Column("cached_from", String(26)),
    Column("disk_bytes", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("owner", "idempotency_key", name="one_job_per_key"),
)
Index("queue_order", jobs.c.state, jobs.c.priority.desc(), jobs.c.id)
Index("of_owner", jobs.c.owner, jobs.c.id)
Index("of_result", jobs.c.result_key, jobs.c.state)


def job_of(row: Mapping[Any, Any]) -> JobRow:
    """The row of a statement as a value."""
    return JobRow(**{**row, **{name: tuple(row[name]) for name in _LISTS}})


def values_of(job: JobRow) -> dict[str, Any]:
    """A job as the values of its columns."""
    values = {field.name: getattr(job, field.name) for field in fields(job)}
    return values | {name: list(values[name]) for name in _LISTS}
