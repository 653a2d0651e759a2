"""What the routes work with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Path
from fastapi.requests import HTTPConnection

from vistadream.runs.paths import RunPaths
from vistadream.service.access.caller import Asking, Caller
from vistadream.service.access.entry import Entry
from vistadream.service.access.quota import Quota
from vistadream.service.cache.cache import Cache
from vistadream.service.cache.delivery import Delivery
from vistadream.service.data import DataFolder
from vistadream.service.intake.clerk import Clerk
from vistadream.service.knobs import ServeKnobs
from vistadream.service.models import ID
from vistadream.service.news import News
from vistadream.service.outgoing.parts import Outgoing
from vistadream.service.problems import ProblemError
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow
from vistadream.service.tails import Tails
from vistadream.service.watch.metrics import Metrics
from vistadream.service.watch.timings import Timings


@dataclass
class Service:
    """The parts of a running service."""

    knobs: ServeKnobs
    data: DataFolder
    store: Store
    clerk: Clerk
    tails: Tails
    entry: Entry
    quota: Quota
    outgoing: Outgoing
    cache: Cache
    metrics: Metrics = field(default_factory=Metrics)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service was asked to stop: no new jobs, and streams end."""

    @cached_property
    def timings(self) -> Timings:
        """How long jobs took."""
        return Timings(self.store.database)

    @property
    def delivery(self) -> Delivery:
        """Ends jobs by the results of the cache."""
        return Delivery(self.store, self.cache, self.data.jobs)

    @cached_property
    def news(self) -> News:
        """What happens to all jobs."""
        return News(self.store, lambda job_id: RunPaths(self.data.run(job_id)).events)

    @property
    def listeners(self) -> int:
        """How many streams of events are open."""
        return self.tails.listeners + self.news.listeners

    def job(self, job_id: str, caller: Caller) -> JobRow:
        """The caller's job of that id; ProblemError 404 when there is none."""
        row = self.store.get(job_id)
        if row is None or row.owner != caller.owner:
            raise ProblemError(404, f"{job_id[:64]!r} is not a job of yours; wanted an id that predict answered")
        return row

    def refuse_while_closing(self) -> None:
        """ProblemError 503 when the service was asked to stop."""
        if self.closing.is_set():
            raise ProblemError(503, "the service is stopping; wanted a moment", headers={"Retry-After": "10"})

    def refuse_without_room(self, more_bytes: int = 0) -> None:
        """ProblemError 507 when the disk is nearly full, or would be with more_bytes on it."""
        if (free := (self.data.free_bytes() - more_bytes) / 1e9) < self.knobs.min_free_gb:
            wanted = f"wanted min_free_gb={self.knobs.min_free_gb:g}: delete jobs, or free some of the disk"
            raise ProblemError(507, f"{free:.1f} GB are free where the jobs are; {wanted}")


async def service_of(connection: HTTPConnection) -> Service:
    """The service that a request or a socket is sent to. A plain function would wait for a thread each time."""
    return connection.app.state.service


JobId = Annotated[str, Path(description="As predict answered it.", max_length=64, examples=[ID])]
Here = Annotated[Service, Depends(service_of)]


def job_of(job_id: JobId, service: Here, caller: Asking) -> JobRow:
    """The job that a path names; ProblemError 404 when the caller has none of that id."""
    return service.job(job_id, caller)


Named = Annotated[JobRow, Depends(job_of)]
